"""What TensorFlow is told of the cluster a task runs in."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode

from luthier.compat.gradient_sdk.exceptions import ConfigError

__all__ = ["get_tf_config"]


def get_tf_config() -> None:
    """Sets TF_CONFIG, which TensorFlow reads, from PS_CONFIG, which is JSON in base64.

    **Raises** ConfigError where PS_CONFIG is not set or something else.
    """
    try:
        os.environ["TF_CONFIG"] = json.dumps(json.loads(urlsafe_b64decode(os.environ["PS_CONFIG"])))
    except KeyError:
        raise ConfigError(
            "TF Config", "PS_CONFIG is not set; set it to the cluster as JSON in base64"
        ) from None
    except ValueError as error:
        raise ConfigError("TF Config", f"PS_CONFIG is no JSON in base64: {error}") from error
