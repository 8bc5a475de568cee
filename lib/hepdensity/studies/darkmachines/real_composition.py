"""Composition of the real background of the Dark Machines challenge, by channel.

Derived from tables of object counts made from the files of Zenodo 3961917 (rbvh/surflows,
experiments/darkmachines/dicts): numbers of events by number of objects of a kind. All but `objects`
count the events with at most `MOST_COUNTED` objects.
"""

MOST_COUNTED = 7
"""Largest number of objects of the events counted by jets, leptons and photons."""

MANY_OBJECTS = 10
"""Events with more objects are counted with those that have this number."""

COMPOSITION: dict[str, dict[str, dict[str, int]]] = {
    "1": {
        "objects": {
            "4": 61830,
            "5": 73001,
            "6": 46835,
            "7": 21116,
            "8": 8123,
            "9": 2377,
            "10": 903,
        },
        "jets": {"4": 64337, "5": 73921, "6": 45855, "7": 18669},
        "b_jets": {"0": 145099, "1": 40309, "2": 15286, "3": 1904, "4": 173, "5": 10, "6": 1},
        "leptons": {"0": 196236, "1": 6267, "2": 278, "3": 1},
        "photons": {"0": 201236, "1": 1537, "2": 9},
        "electrons_muons": {
            "0e0m": 196236,
            "0e1m": 4990,
            "0e2m": 189,
            "1e0m": 1277,
            "1e1m": 72,
            "1e2m": 1,
            "2e0m": 17,
        },
    },
    "2a": {
        "objects": {
            "3": 3283,
            "4": 5904,
            "5": 4776,
            "6": 3090,
            "7": 1630,
            "8": 804,
            "9": 318,
            "10": 200,
        },
        "jets": {"0": 3781, "1": 5858, "2": 4643, "3": 2979, "4": 1422},
        "b_jets": {"0": 16894, "1": 1385, "2": 391, "3": 13},
        "leptons": {"3": 17828, "4": 855},
        "photons": {"0": 18070, "1": 604, "2": 9},
        "electrons_muons": {
            "0e3m": 4629,
            "0e4m": 163,
            "1e2m": 6025,
            "1e3m": 34,
            "2e1m": 4878,
            "2e2m": 613,
            "3e0m": 2296,
            "3e1m": 27,
            "4e0m": 18,
        },
    },
    "2b": {
        "objects": {
            "3": 49496,
            "4": 149189,
            "5": 93453,
            "6": 33349,
            "7": 10475,
            "8": 3131,
            "9": 888,
            "10": 287,
        },
        "jets": {"1": 50258, "2": 149850, "3": 92877, "4": 32853, "5": 10124},
        "b_jets": {"0": 200899, "1": 87458, "2": 46338, "3": 1235, "4": 32},
        "leptons": {"2": 335274, "3": 663, "4": 25},
        "photons": {"0": 333309, "1": 2637, "2": 15, "3": 1},
        "electrons_muons": {
            "0e2m": 231189,
            "0e3m": 205,
            "0e4m": 9,
            "1e1m": 72863,
            "1e2m": 206,
            "1e3m": 4,
            "2e0m": 31222,
            "2e1m": 171,
            "2e2m": 12,
            "3e0m": 81,
        },
    },
    "3": {
        "objects": {
            "1": 157,
            "2": 845905,
            "3": 2018840,
            "4": 2335612,
            "5": 1742000,
            "6": 957873,
            "7": 418277,
            "8": 155774,
            "9": 50173,
            "10": 19500,
        },
        "jets": {
            "1": 657,
            "2": 858099,
            "3": 2034068,
            "4": 2340443,
            "5": 1736518,
            "6": 947731,
            "7": 401148,
        },
        "b_jets": {
            "0": 6560102,
            "1": 1385232,
            "2": 337139,
            "3": 33361,
            "4": 2700,
            "5": 122,
            "6": 7,
            "7": 1,
        },
        "leptons": {"0": 8255910, "1": 59430, "2": 3310, "3": 14},
        "photons": {"0": 8266790, "1": 51572, "2": 301, "3": 1},
        "electrons_muons": {
            "0e0m": 8255910,
            "0e1m": 41476,
            "0e2m": 2410,
            "0e3m": 4,
            "1e0m": 17954,
            "1e1m": 487,
            "1e2m": 7,
            "2e0m": 413,
            "2e1m": 2,
            "3e0m": 1,
        },
    },
}
"""Channel -> quantity -> value -> number of events; electrons and muons as "1e2m"."""
