"""The one way in for what is written: customer, case, classification, vault, log; and nothing acknowledged stays refused."""
