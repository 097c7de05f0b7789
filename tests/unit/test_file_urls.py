"""From a file URL to its folder and back, by the rules of either platform."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from zeitlich_store import ConfigurationError, open_store
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.builders import local_path, pure_path
from zeitlich_store.factory import default_cold_url
from zeitlich_store.urls import file_url, parse_cold_url

NOBODY = "~nobody-of-this-name"


@pytest.mark.parametrize(
    ("location", "posix", "windows"),
    [
        ("/var/x", "/var/x", "/var/x"),
        ("localhost/var/x", "/var/x", "/var/x"),
        ("rel", "rel", "rel"),
        ("rel/", "rel", "rel"),
        ("./rel/x", "rel/x", "rel/x"),
        ("../rel/x", "../rel/x", "../rel/x"),
        ("~/t", "~/t", "~/t"),
        ("~user/t", "~user/t", "~user/t"),
        ("/~/t", "/~/t", "/~/t"),
        ("/C:/x", "/C:/x", "C:/x"),
        ("localhost/C:/x", "/C:/x", "C:/x"),
        ("/C:", "/C:", "C:/"),
        ("/C:\\x", "/C:\\x", "C:/x"),
        ("C:/x", "C:/x", "C:/x"),
        ("/CD:/x", "/CD:/x", "/CD:/x"),
        ("server/share/x", "server/share/x", "//server/share/x"),
        ("10.0.0.1/share/x", "10.0.0.1/share/x", "//10.0.0.1/share/x"),
        ("//server/share/x", "//server/share/x", "//server/share/x"),
    ],
)
def test_the_path_of_a_file_url_follows_the_platforms_rules(location, posix, windows):
    assert pure_path(location, PurePosixPath) == PurePosixPath(posix)
    assert pure_path(location, PureWindowsPath) == PureWindowsPath(windows)


@pytest.mark.parametrize(
    "path",
    [
        PureWindowsPath("C:/agents/50%/a#b?c@d"),
        PureWindowsPath("//server/share/x"),
        PurePosixPath("/C:/x"),
        PurePosixPath("/~/x"),
    ],
)
def test_the_url_that_pathlib_makes_of_a_path_names_that_path(path):
    assert pure_path(parse_cold_url(path.as_uri()).location, type(path)) == path


@pytest.mark.parametrize("name", ["/C:/x", "/~/x", "/50%/a#b?c@d:e", "//two/slashes"])
def test_our_url_of_a_folder_names_that_folder(name):
    folder = Path(name).absolute()
    assert local_path(parse_cold_url(file_url(folder)).location) == folder


def test_a_home_in_front_is_expanded_and_no_other():
    assert local_path("~/t") == Path.home() / "t"
    assert local_path("/~/t") == Path("/~/t").absolute()


@pytest.mark.parametrize(
    "use",
    [
        lambda: open_store("memory://", f"file://{NOBODY}/x"),
        lambda: LocalObjectStore(f"{NOBODY}/x"),
        lambda: file_url(Path(NOBODY)),
    ],
)
def test_the_home_of_a_user_that_does_not_exist_is_a_configuration_error(use):
    with pytest.raises(ConfigurationError, match=f"no home folder for '{NOBODY}'"):
        use()


def test_without_a_home_the_default_folder_is_a_configuration_error(monkeypatch):
    def homeless(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(ConfigurationError, match="no folder of the user's"):
        default_cold_url()


@pytest.mark.parametrize("location", ["", "a\0b"])
def test_a_file_url_without_a_folder_is_refused(location):
    with pytest.raises(ConfigurationError, match="names a folder"):
        local_path(location)
