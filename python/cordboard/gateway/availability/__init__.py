"""What customers are shown of entry points, over HTTP: how they stand, tickets, a script that says it on a site's buttons."""
