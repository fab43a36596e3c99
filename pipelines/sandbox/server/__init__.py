"""The sandbox server: a dataset folder, answered in the wire format of every source."""
