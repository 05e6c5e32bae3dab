"""How much work a labelled image is: simulated people who sort the same images in different ways, through the API."""
