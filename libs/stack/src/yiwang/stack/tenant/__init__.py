"""Moving a node from its host's servers to its own: seal, export, import, open; or unseal, and nothing has happened.

- `seal`: the services finish what is in hand and refuse new work; the database becomes read-only, the streams take nothing
  more; the last event that leaves is `area.sealed`, and the seal is done when the node above has it.
- `export`: the sealed database and streams as one pair of files (`yiwang backup`'s format).
- `import`: fills the node's new database and NATS account; streams keep their sequences, so that positions stay valid.
- `open`: takes the seal off at the new place.
- `unseal`: takes it off at the old place, for as long as the new one has not been opened.
"""
