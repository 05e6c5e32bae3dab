"""Talk to EcoTaxa: take a project in, follow its changes, and send labels back."""
