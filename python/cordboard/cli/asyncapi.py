"""`cordboard asyncapi`: the journal as an AsyncAPI document."""

from cordboard.cli.options import Site
from cordboard.cli.output import print_json
from cordboard.projections.history import asyncapi


def asyncapi_document(site: Site = "default") -> None:
    """Print the AsyncAPI document of a site's journal as JSON."""
    print_json(asyncapi(site))
