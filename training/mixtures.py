"""Mixtures: how often the rows of each data set are used in one pass of a fit.

0.5 is half of the rows. A set that a mixture does not name is used once, or as often as its ``*``.
"""

TEMPLATES = {
    "janli": 0.4, "jamp_temporal": 0.4, "hans_regen": 0.4, "breaking_nli": 0.4,
    "curr_comparative": 0.3, "curr_counting": 0.4, "curr_negation": 0.3, "curr_temporal": 0.5,
    "help_and_or": 0.5, "conjnli_adv_auto": 0.5, "med": 0.7, "mctest_nli": 0.7,
    "wice_partial_train": 0.7,
}  # fmt: skip
SMALL = {
    "symmetric": 5, "wice": 4, "clapnq": 5, "xquad": 2, "jnli": 4, "jsick_ja": 2,
    "jsick_xling": 1.5,
    "pawsx_en": 2, "pawsx_ja": 2, "pawsx_xling": 2, "citint_train": 2, "fm2_gold": 2, "fm2_long": 2,
    "xquad_claims_ja": 8, "xquad_ja": 4, "clapnq_ja": 4, "jsquad_en": 4,
}  # fmt: skip
MIXTURES: dict[str, dict[str, float]] = {
    "all": {**TEMPLATES, **SMALL, "made_questions": 0.6, "switched_ans": 0.8},
    "plain": {**TEMPLATES, **SMALL, "made_questions": 0.6, "switched_ans": 0, "switched_nli": 0,
              "parallel": 0, "headings": 0},
    "less_made": {**TEMPLATES, **SMALL, "made_claims": 0.4, "made_questions": 0.3,
                  "switched_ans": 0.5, "switched_nli": 0.6, "headings": 0},
    "cross": {**TEMPLATES, **SMALL, "made_claims": 0.7, "made_questions": 0.5, "parallel": 2,
              "switched_nli": 1.3, "switched_ans": 1.0, "jsick_xling": 2, "pawsx_xling": 3,
              "xquad_claims_ja": 14, "xquad_ja": 7, "clapnq_ja": 7, "jsquad_en": 7},
    # on from there, with single sentences and without the facts behind the digests
    "sentences": {
        "*": 0, "parallel": 0.08, "switched_nli": 0.008, "switched_ans": 0.008, "headings": 0.06,
        "pawsx_xling": 0.3, "jsick_xling": 0.08, "xquad_claims_ja": 3, "xquad_ja": 0.6,
        "xquad_ja_sentences": 2, "jsquad_en_sentences": 2, "jsquad_sentences": 0.08,
        "xquad_sentences": 0.5, "clapnq_ja": 0.8, "jsquad_en": 0.6, "jsquad_claims_en": 3,
        "xquad_unanswerable_ja": 4, "clapnq_claims_ja": 4, "clapnq_unanswerable_ja": 4,
        "made_claims": 0.012, "made_questions": 0.004, "wice": 0.25, "symmetric": 0.4,
        "jnli": 0.18, "jsick_ja": 0.05, "clapnq": 0.3, "jsquad": 0.01, "xquad": 0.07,
        "fever_nli_dev": 0.03, "fm2_gold": 0.2, "mnli_dev": 0.01, "snli_dev": 0.01,
        "jaquad_claims": 0.02, "citint_train": 0.1, "pawsx_ja": 0.1, "pawsx_en": 0.1,
        "jsem": 0.02, "jsnli_dev": 0.02, "conjnli_dev": 0.05,
    },
    # on from an earlier fit, on a CPU: mostly pairs across languages, the rest to remember
    "onward": {
        "*": 0, "parallel": 0.22, "switched_nli": 0.045, "switched_ans": 0.04, "headings": 0.25,
        "pawsx_xling": 1, "jsick_xling": 0.3, "xquad_claims_ja": 4, "xquad_ja": 2, "clapnq_ja": 2,
        "jsquad_en": 2, "made_claims": 0.03, "made_questions": 0.015, "wice": 0.5,
        "symmetric": 0.7, "jnli": 0.3, "jsick_ja": 0.1, "clapnq": 0.7, "jsquad": 0.03,
        "xquad": 0.2, "fever_nli_dev": 0.08, "fm2_gold": 0.4, "mnli_dev": 0.02, "snli_dev": 0.03,
        "jaquad_claims": 0.05, "citint_train": 0.2, "pawsx_ja": 0.25, "pawsx_en": 0.25,
        "jsem": 0.05, "jsnli_dev": 0.05, "curr_drop": 0.05, "conjnli_dev": 0.2,
    },
    # on from there: claims again, which the questions had pushed aside
    "claims": {
        "*": 0, "made_claims": 0.1, "switched_nli": 0.07, "parallel": 0.2, "mnli_dev": 0.1,
        "snli_dev": 0.1, "jsick_ja": 0.2, "jsick_xling": 0.3, "pawsx_en": 0.7, "pawsx_ja": 0.7,
        "pawsx_xling": 0.7, "symmetric": 2, "fever_nli_dev": 0.3, "fm2_gold": 1, "wice": 1,
        "jnli": 0.5, "jsnli_dev": 0.2, "jsem": 0.1, "janli": 0.05, "jamp_temporal": 0.05,
        "hans_regen": 0.05, "sick_en": 0.1, "conjnli_dev": 0.5, "citint_train": 0.4,
        "jaquad_claims": 0.1, "xquad_claims_ja": 3, "jsquad_claims_en": 3, "jsquad": 0.03,
        "jsquad_sentences": 0.08, "xquad": 0.2, "xquad_sentences": 0.4, "xquad_ja_sentences": 1,
        "jsquad_en_sentences": 1, "jsquad_en": 1, "xquad_ja": 1, "made_questions": 0.01,
        "switched_ans": 0.02, "clapnq": 1, "clapnq_ja": 1, "headings": 0.2,
    },
}  # fmt: skip
PAIRS = {
    f"pairs_{pair}{head}": often
    for pair in ("ja_en", "en_ja", "en_en", "ja_ja")
    for head, often in (("", 1.0), ("_asked", 0.6))
}
# on from there: the hand-written pairs, and a third of the rest to remember
MIXTURES["pairs"] = {n: 0.35 * often for n, often in MIXTURES["claims"].items()} | PAIRS
# on from there, with more of the passages that questions were asked of
MIXTURES["wider"] = MIXTURES["pairs"] | {
    "jsquad": 0.06, "jsquad_sentences": 0.06, "xquad": 0.3, "xquad_ja": 0.7, "jsquad_en": 0.7,
    "clapnq": 1.0, "clapnq_ja": 0.7, "wice": 0.7, "symmetric": 1.0,
}  # fmt: skip
# on from there, with three times as many hand-written pairs
MIXTURES["widest"] = {n: 0.5 * often for n, often in MIXTURES["wider"].items()} | {
    name: 0.45 if name.endswith("_asked") else 1.0 for name in PAIRS
}
# on from there: the passages and documents written for fitting, first on sentences, …
REMEMBERED = {
    "*": 0, "symmetric": 1, "fever_nli_dev": 0.1, "fm2_gold": 0.6, "mnli_dev": 0.02,
    "snli_dev": 0.04, "jsick_ja": 0.1, "jsick_xling": 0.05, "sick_en": 0.03, "pawsx_en": 0.3,
    "pawsx_ja": 0.3, "pawsx_xling": 0.25, "jnli": 0.4, "jsnli_dev": 0.08, "jsem": 0.05,
    "conjnli_dev": 0.3, "citint_train": 0.25, "jaquad_claims": 0.03, "wice": 0.4,
    "xquad_claims_ja": 1, "jsquad_claims_en": 1, "clapnq_claims_ja": 1, "made_claims": 0.02,
    "jsquad": 0.01, "jsquad_sentences": 0.02, "xquad": 0.05, "xquad_sentences": 0.1,
    "xquad_ja": 0.15, "xquad_ja_sentences": 0.3, "jsquad_en": 0.15, "jsquad_en_sentences": 0.3,
    "clapnq": 0.2, "clapnq_ja": 0.3, "xquad_unanswerable_ja": 1, "clapnq_unanswerable_ja": 1,
}  # fmt: skip
MIXTURES["written"] = REMEMBERED | {
    **{name: 0.06 if name.endswith("_asked") else 0.35 for name in PAIRS},
    "own_sentences": 0.6, "own_lies": 0.3, "own_windows": 0.1, "own_asked": 0.05,
    "own_asked_passages": 0.01, "own_documents": 0.03, "own_premises": 0.5, "cg2c_doc": 0.1,
}  # fmt: skip
# … then on windows and passages, also such without the evidence
MIXTURES["passages"] = {name: 0.25 * often for name, often in REMEMBERED.items()} | {
    **{name: 0.02 if name.endswith("_asked") else 0.1 for name in PAIRS},
    "own_sentences": 0.15, "own_lies": 0.15, "own_windows": 0.25, "own_passages": 0.2,
    "own_without": 0.2, "own_changed": 0.25, "own_asked": 0.02, "own_asked_passages": 0.03,
    "own_documents": 0.05, "own_premises": 0.7, "cg2c_doc": 0.6, "wice": 0.8,
}  # fmt: skip
# … and the windows that the reader takes for answers, a part of the others to remember
MIXTURES["windows"] = {name: 0.25 * often for name, often in MIXTURES["passages"].items()} | {
    "windows_documents": 1, "windows_sets": 1,
}  # fmt: skip
