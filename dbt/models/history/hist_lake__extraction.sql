{{ log_of('extraction') }}
