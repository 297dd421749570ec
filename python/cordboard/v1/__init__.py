"""Generated from proto/cordboard/v1 by `make proto`; do not edit."""
