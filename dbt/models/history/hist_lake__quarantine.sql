{{ log_of('quarantine') }}
