"""Log-probabilities of categories against torch's cross entropy."""

import torch

from hepdensity.models.networks.categorical import Categorical


def test_values_and_gradients_are_those_of_cross_entropy() -> None:
    torch.manual_seed(1)
    head = Categorical(7, 30).double()
    x = (3 * torch.randn(200, 7, dtype=torch.float64)).requires_grad_()
    category, weights = torch.randint(30, (200,)), torch.rand(200, dtype=torch.float64)

    def gradients(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad((weights * values).sum(), (x, head.weight, head.bias))

    found = head.log_prob(x, category)
    expected = -torch.nn.functional.cross_entropy(head(x), category, reduction="none")
    torch.testing.assert_close(found, expected)
    for a, b in zip(gradients(found), gradients(expected), strict=True):
        torch.testing.assert_close(a, b)


def test_large_logits_stay_finite() -> None:
    head = Categorical(2, 3).double()
    x = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], dtype=torch.float64)
    assert head.log_prob(x, torch.tensor([0, 1])).isfinite().all()
