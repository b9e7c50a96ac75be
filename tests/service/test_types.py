"""The JSON of answers: what a claim says of its support and of the question."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from service.schemas import SentAnswer, from_json
from service.types import Answer, Claim, Decision, Verdict, to_json, with_decisions

CLAIM = Claim("It is.", 0, 6, (), Verdict("supported", 0.97, "verbatim"))
ANSWERS = Decision(True, 0.8, "reading")
ANSWER = Answer("a", "c", "?", "It is.", "quoted", "", (CLAIM, replace(CLAIM, answers=ANSWERS)))


@pytest.mark.parametrize(
    ("verdict", "supports"),
    [
        (Verdict("supported", 0.97, "verbatim"), (True, 0.97, "verbatim")),
        (Verdict("partial", 0.6, "rules"), (False, 0.4, "rules")),
        (Verdict("contradicted", 1.0, "rules"), (False, 0.0, "rules")),
    ],
)
def test_verdict_says_whether_a_claim_is_supported(
    verdict: Verdict, supports: tuple[bool, float, str]
) -> None:
    made = to_json(replace(CLAIM, verdict=verdict))
    assert made["supports"] == dict(zip(("holds", "score", "method"), supports, strict=True))
    assert made["answers"] is None


def test_answer_as_json_has_decisions_and_is_read_again() -> None:
    made = to_json(ANSWER)
    assert [claim["answers"] for claim in made["claims"]] == [None, to_json(ANSWERS)]
    assert all(claim["supports"]["holds"] for claim in made["claims"]) and not made["abstained"]
    assert from_json(Answer, json.dumps(made)) == ANSWER
    sent = from_json(SentAnswer, json.dumps(made))
    assert sent.claims[0].supports == CLAIM.supports and sent.claims[1].answers == ANSWERS
    schema = TypeAdapter(SentAnswer).json_schema()
    Draft202012Validator(schema).validate(json.loads(json.dumps(made)))
    assert "supports" in schema["$defs"]["SentClaim"]["required"]


def test_older_answer_gets_what_its_claims_lack() -> None:
    made = to_json(ANSWER)
    older = json.loads(json.dumps(made))
    for claim in older["claims"]:
        del claim["supports"], claim["answers"]
    assert from_json(Answer, json.dumps(older)).claims == (CLAIM, CLAIM)
    with pytest.raises(ValidationError, match="supports"):
        from_json(SentAnswer, json.dumps(older))
    completed = with_decisions(older)
    assert completed == to_json(replace(ANSWER, claims=(CLAIM, CLAIM)))
    assert "supports" not in older["claims"][0]
    assert with_decisions(made) == made
