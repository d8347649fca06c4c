"""Printed numbers: what each counted, found by search (:mod:`.explain`), and every published one (:mod:`.audit`)."""
