"""Things found from one box: projects, samples, objects, taxa and people that the caller may see."""
