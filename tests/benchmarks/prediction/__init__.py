"""What to expect of predictions: nearest neighbours, classifiers and embedders on objects that were held out."""
