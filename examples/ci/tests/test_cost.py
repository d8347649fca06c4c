"""What the model costs, in the project's own tests: costmodel's pytest plugin brings the fixtures."""

from student.models import student


def test_it_fits_the_phone(assert_cost):
    assert_cost(student, "3x96x96", multiply_adds="<= 19 M", parameters="<= 0.4 MB")


def test_it_costs_what_it_did(assert_cost):
    assert_cost(student, "3x128x128")


def test_most_of_it_is_pointwise(cost_of):
    by_type = cost_of(student, "3x96x96").ledger.by("type")
    assert by_type["conv 1x1"].multiply_adds > 5 * by_type["depthwise conv 3x3"].multiply_adds
