"""The same job on Apache Beam: adapters only, no logic of its own."""
