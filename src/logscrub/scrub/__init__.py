"""Records → hits: withhold, truncate, pseudonymise, classify.

Raw values come in and never leave: what comes out holds pseudonyms under the ephemeral key and released
words. All work on text is done on distinct values.
"""
