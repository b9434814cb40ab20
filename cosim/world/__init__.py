"""The world: sites, GPU pools and meters living on a SimPy clock of integer nanoseconds."""
