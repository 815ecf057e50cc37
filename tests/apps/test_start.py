"""A system library that is missing is named with the package that brings it."""

from sewcell.apps.start import explain_missing_library


def test_the_package_of_a_missing_system_library_is_named() -> None:
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    assert explain_missing_library(error) == "the system library libGL.so.1 is missing: apt-get install libgl1"


def test_another_failed_import_is_not_taken_for_a_system_library() -> None:
    assert explain_missing_library(ImportError("cannot import name 'x' from 'y'")) is None
