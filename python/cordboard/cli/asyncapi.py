"""`cordboard asyncapi`: the journal as an AsyncAPI document."""

from cordboard.cli.output import print_json
from cordboard.cli.up import Site
from cordboard.projections.history import asyncapi


def asyncapi_document(site: Site = "default") -> None:
    """Print the AsyncAPI document of a site's journal as JSON."""
    print_json(asyncapi(site))
