"""Pages and API of learning sets."""

from app.learning import api, pages, wizard

routes = [*pages.routes, *wizard.routes]
api_routes = api.routes
