"""The only place where protobuf and Cordboard's own words meet."""
