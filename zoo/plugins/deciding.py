"""Asks all plugins for their verdict on a use of a model; the most severe counts."""

from __future__ import annotations

import warnings

from zoo.config import policy_files
from zoo.contract.deciding import ACTIONS, Decision, Reason, Use, Verdict
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, PolicyNotice, PolicyRefusal, suggest
from zoo.plugins.manager import DEFAULTS, Plugins, plugins
from zoo.plugins.reports import article, sentence

HOOK = "zoo_decide"

_warned: set[str] = set()


def active() -> bool:
    """Whether there is a policy file, or a plugin that decides; without either, everything is allowed.

    It costs one look for a file in each folder up to the root.
    """
    return bool(policy_files()) or any(name != DEFAULTS for name in plugins().implementing(HOOK))


def decide(card: ModelCard, action: str, use: Use | None = None) -> Decision:
    """The verdict of all plugins on a use of a model, with their reasons.

    A plugin whose hook raises, or returns something else, denies the use: an error must not open the gate.

    Raises:
        InvalidInput: there is no such action.
    """
    if action not in ACTIONS:
        raise InvalidInput(
            f"'{action}' is not an action.", suggest(action, ACTIONS) or f"Choose one of: {', '.join(ACTIONS)}."
        )
    known = plugins()
    asked = (_asked(known, name, card, action, use or Use()) for name in known.implementing(HOOK))
    return Decision.of(asked)


def permit(card: ModelCard, action: str, use: Use | None = None) -> None:
    """Allow a use of a model, or refuse it; a warning is issued once in a process.

    Raises:
        PolicyRefusal: it is denied, or needs an approval; with the model, the action, the rule, its place and the
            reason.
    """
    decision = decide(card, action, use)
    if decision.verdict > Verdict.WARN:
        raise refusal(card, action, decision)
    warn(card, action, decision)


def refusal(card: ModelCard, action: str, decision: Decision) -> PolicyRefusal:
    """The error for a use that is refused, with the first hint of its reasons."""
    hint = next((reason.hint for reason in decision.deciding if reason.hint), "")
    return PolicyRefusal(
        explained(card, action, decision), hint or f"Run: zoo policy explain {card.id} --action {action}"
    )


def warn(card: ModelCard, action: str, decision: Decision) -> None:
    """Issue the warning of a decision whose verdict is ``warn``, once in a process."""
    if decision.verdict is not Verdict.WARN:
        return
    told = explained(card, action, decision)
    if told not in _warned:
        _warned.add(told)
        warnings.warn(told, PolicyNotice, stacklevel=3)


def explained(card: ModelCard, action: str, decision: Decision) -> str:
    """A verdict in one sentence: model, action, reasons, and the rule with its place."""
    said = {
        Verdict.ALLOW: "allows",
        Verdict.WARN: "warns of",
        Verdict.NEEDS_APPROVAL: "requires approval for",
        Verdict.DENY: "denies",
    }[decision.verdict]
    start = f"The policy {said} the action '{action}' on '{card.id}'"
    deciding = decision.deciding
    if not deciding:
        return f"{start}."
    first = deciding[0]
    more = len(deciding) - 1
    further = f", and {more} more {'reason' if more == 1 else 'reasons'}" if more else ""
    place = f", {first.place}" if first.place else ""
    return f"{start}: {first.sentence} (rule '{first.rule}'{place}){further}."


def _asked(known: Plugins, name: str, card: ModelCard, action: str, use: Use) -> Decision:
    try:
        found = known.ask(name, HOOK, card=card, action=action, context=use)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        known.report_failure(name, HOOK, error)
        return _denied(name, f"the plugin '{name}' could not decide: {sentence(error).rstrip('.')}")
    wrong = next((one for one in found if not isinstance(one, Decision)), None)
    if wrong is not None:
        return _denied(name, f"the plugin '{name}' returned {article(type(wrong).__name__)} instead of a Decision")
    return Decision.of(found)


def _denied(name: str, why: str) -> Decision:
    return Decision((Reason(f"plugin:{name}", Verdict.DENY, why, hint="Repair or remove the plugin: zoo plugins"),))
