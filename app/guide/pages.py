"""The help page."""

from litestar import get
from litestar.response import Template

from app.guide.commands import commands, list_settings
from app.objects.conditions import CONDITIONS
from app.objects.fields import Fields
from app.objects.orders import order_choices

STATUSES = (
    ("U", "unclassified", "Nobody has said anything of it yet."),
    ("P", "predicted", "A classifier has named it; nobody has looked."),
    ("D", "dubious", "Somebody named it and was not sure: to be looked at again."),
    ("V", "validated", "Somebody looked and is sure. Only these are shown to people without an account."),
)


@get("/help", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def show_help() -> Template:
    context = {
        "conditions": list(CONDITIONS.values()),
        "orders": [choice["label"] for choice in order_choices(Fields([]))],
        "commands": commands(),
        "settings": list_settings(),
        "statuses": STATUSES,
    }
    return Template("guide/help.html", context=context)


routes = [show_help]
