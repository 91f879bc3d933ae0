"""What is searched: the objective and the space, and what one call of the objective means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.compat.hyperopt.documents import STATUS_NEW, STATUS_OK, STATUS_STRINGS
from luthier.compat.hyperopt.exceptions import InvalidLoss, InvalidResultStatus
from luthier.compat.hyperopt.pyll import Apply, Literal, dfs, rec_eval
from luthier.compat.hyperopt.space import SearchSpace
from luthier.compat.hyperopt.trials import Ctrl

__all__ = ["Domain", "meaning"]


class Domain:
    """An objective over a space; can be pickled. `search` is the space as Luthier's; `repeats` allows a configuration
    to be tried again."""

    pyll_ctrl = Literal(Ctrl)

    def __init__(
        self,
        fn: Any,
        expr: Any,
        workdir: Any = None,
        pass_expr_memo_ctrl: bool | None = None,
        name: str | None = None,
        loss_target: float | None = None,
        repeats: bool = False,
    ) -> None:
        self.fn = fn
        is_marked = getattr(fn, "fmin_pass_expr_memo_ctrl", False)
        self.pass_expr_memo_ctrl = is_marked if pass_expr_memo_ctrl is None else pass_expr_memo_ctrl
        self.search = SearchSpace(expr)
        self.expr = self.search.expr
        self.params: dict[str, Apply] = {
            label: node.arg["obj"] for label, node in self.search.parameter_nodes.items()
        }
        self.repeats = repeats or self.search.is_noisy
        self.loss_target = loss_target
        self.name = name
        self.workdir = workdir
        self.cmd = ("domain_attachment", "FMinIter_Domain")
        self._takes_ctrl = any(isinstance(n, Literal) and n.obj is Ctrl for n in dfs(self.expr))

    def memo_from_config(self, config: Mapping[str, Any]) -> dict[Apply, Any]:
        """The values of the hyperparameters by node."""
        return self.search.memo(config)

    def evaluate(
        self, config: Mapping[str, Any], ctrl: Any, attach_attachments: bool = True
    ) -> dict[str, Any]:
        """Calls the objective with the point of these values; what it returned, as a dict with a status.

        **Raises** what the objective raises; TypeError, KeyError, InvalidResultStatus, InvalidLoss for what it may not
        return.
        """
        memo = self.memo_from_config(config)
        if self._takes_ctrl:
            memo.update({n: ctrl for n in dfs(self.expr) if isinstance(n, Literal) and n.obj is Ctrl})
        if self.pass_expr_memo_ctrl:
            answer = self.fn(expr=self.expr, memo=memo, ctrl=ctrl)
        else:
            answer = self.fn(rec_eval(self.expr, memo=memo))
        result = meaning(answer)
        if attach_attachments:
            for key, value in (result.pop("attachments", None) or {}).items():
                ctrl.attachments[key] = value
        return result

    def short_str(self) -> str:
        """Its objective's name."""
        return f"Domain{{{self.fn}}}"

    def loss(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The loss of a result."""
        return result.get("loss")

    def loss_variance(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The variance of the loss of a result."""
        return result.get("loss_variance", 0.0)

    def true_loss(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The true loss of a result, where the loss stands for another."""
        return result.get("true_loss", result.get("loss"))

    def status(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The status of a result."""
        return result["status"]

    def new_result(self) -> dict[str, Any]:
        """The result of a trial that has none yet."""
        return {"status": STATUS_NEW}


def meaning(answer: Any) -> dict[str, Any]:
    """What an objective returned, as a dict with a status and, if that is ok, a float as loss.

    A tensor or array of one number is a number. **Raises** as `Domain.evaluate`.
    """
    if isinstance(answer, Mapping):
        return _result(dict(answer))
    if isinstance(answer, (str, bytes)) or not hasattr(answer, "__float__"):
        raise TypeError(
            f"the objective returned {answer!r}; it has to return the loss as a number, or a dict with 'status' and 'loss'"
        )
    return {"loss": float(answer), "status": STATUS_OK}


def _result(result: dict[str, Any]) -> dict[str, Any]:
    if "status" not in result:
        raise KeyError(
            f"the dict the objective returned has no 'status'; add 'status': STATUS_OK to {result!r}"
        )
    status = result["status"]
    if status not in STATUS_STRINGS:
        words = ", ".join(STATUS_STRINGS)
        raise InvalidResultStatus(result, f"the objective returned the status {status!r}; it may be {words}")
    if status == STATUS_OK:
        try:
            result["loss"] = float(result["loss"])
        except (TypeError, KeyError, ValueError):
            has = f"the loss {result['loss']!r}" if "loss" in result else "no loss"
            raise InvalidLoss(
                result, f"the objective returned status ok and {has}; the loss has to be a number"
            ) from None
    return result
