"""What Tokenmart does: extract, land, validate, publish. Nothing here knows the orchestrator."""
