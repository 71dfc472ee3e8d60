"""The redactor on texts and values as they come from the wild: what it must find, what it must leave, how long it takes."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.redact import MARK, Redactor, redact

SECRET = "hunter2Hunter2XYZ"
WORD = "hunter"


@pytest.mark.parametrize(
    "value",
    [
        [["X-Auth-Token", WORD], ["Accept", "text/plain"]],
        (("X-Auth-Token", WORD), ("Accept", "text/plain")),
        [("Authorization", f"Bearer {SECRET}")],
        [[b"authorization", SECRET.encode()], [b"accept", b"*/*"]],
        {"headers": [["Cookie", WORD], ["Host", "x"]]},
        {"name": "Authorization", "value": f"Bearer {WORD}"},
        [{"Name": "DB_PASSWORD", "Value": WORD}],
        {"key": "api-key", "value": SECRET, "enabled": True},
        {"name": "PGPASSWORD", "content": {"nested": SECRET}},
        ["X-Api-Key", SECRET],
        ["curl", "-u", f"ann:{WORD}", "https://example.org"],
        ["psql", "--password", WORD],
        ["tool", f"--token={WORD}"],
        ["tool", "--api-key", WORD, "--verbose"],
        ["mysql", "-u", "root", "-p", WORD],
        ["mysqldump", "-uroot", f"-p{WORD}"],
        ["tool", "-p", SECRET],
        ["redis-cli", "-a", WORD],
        ["docker", "run", "-e", f"PGPASSWORD={WORD}", "postgres"],
        {"argv": ("sshpass", "-p", WORD, "ssh", "host")},
        {"connection_string": WORD},
        {"API Key": WORD},
        {"env": {"PGPASSWORD": WORD, "MYSQL_PWD": WORD, "AWS_SECRET_ACCESS_KEY": WORD, "HF_TOKEN": WORD}},
        {"accountKey": WORD, "clientSecret": WORD, "Ocp-Apim-Subscription-Key": WORD, "pgpassword": WORD},
        {"pin": SECRET, "otp": SECRET, "cvv": SECRET, "dsn": SECRET, "jwt": SECRET},
        bytearray(f"password={WORD}".encode()),
        memoryview(f"password={WORD}".encode()),
        {b"Authorization": SECRET.encode()},
        RuntimeError(f"no access with password={WORD}"),
        [RuntimeError({"api_key": WORD})],
        {"cause": subprocess.CalledProcessError(1, ["mysql", "--password", WORD])},
    ],
    ids=lambda value: "memoryview" if isinstance(value, memoryview) else repr(value),
)  # fmt: skip
def test_secrets_in_values_are_hidden(value):
    shown = repr(redact(value))
    assert WORD not in shown
    assert MARK in shown


@pytest.mark.parametrize(
    "text",
    [
        "mysql --password {} -h db",
        "tool --token={}",
        "tool --client-secret '{}' --verbose",
        'tool --api-key "{}"',
        "mysql -u root -p {}",
        "mysql -uroot -p{}",
        "sshpass -p {} ssh host",
        "docker login -u ann -p {} registry.example.org",
        "tool -p {}X1 --go",
        "redis-cli -h db -a {}",
        "ldapsearch -D cn=admin -w {}",
        "curl -u ann:{} https://example.org",
        "curl -uann:{} https://example.org",
        "curl --user 'ann:{}' https://example.org",
        "curl --proxy-user ann:{} https://example.org",
        "curl -H 'X-Auth-Token: {}' https://example.org",
        "PGPASSWORD={} psql -h db",
        "export MYSQL_PWD={}",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}+/8a==;EndpointSuffix=core.windows.net",
        "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}=",
        "Server=db;User Id=sa;Password={};Encrypt=yes",
        "UID=sa;PWD={};",
        "password={},{}",
        "password=a)b{}",
        "password: |\n  {}\n  {}\nuser: ann",
        '{{"password": "{}',
        '{{"password": "a\\"{}"}}',
        "{{'auth': [('Authorization', 'Bearer {}')]}}",
        "[['X-Auth-Token', '{}'], ['Accept', '*/*']]",
        "{{'name': 'Authorization', 'value': 'Bearer {}'}}",
        '{{"name": "Authorization", "value": "Bearer {}"',
        "Command '['mysql', '--password', '{}']' returned non-zero exit status 1.",
        "<password>{}</password>",
        '<add key="ApiKey" value="{}" />',
        "machine api.example.org login ann password {}",
        "CREATE USER ann IDENTIFIED BY '{}'",
        "ALTER ROLE ann WITH PASSWORD '{}'",
        "api key: {}",
        "API key = {}",
        "the password is {}8x",
        "my token was {}8x.",
        "password%3D{}",
        "https://example.org/?access%5Ftoken={}",
        "GET /?api_key={}&page=2 HTTP/1.1",
        "https://example.org/cb?code={}",
        "https://maps.example.org/?key={}",
        "https://ann:{}@example.org/",
        "https://ann:p@{}@example.org/",
        "https:\\/\\/ann:{}@example.org\\/x",
        "amqp://ann:{}@mq/vhost",
        "mongodb+srv://ann:{}@cluster.example.org/db",
        "https://{}@github.com/a/b.git",
        "Set-Cookie: session={}; HttpOnly",
        "authorization: Digest username=\"ann\", response=\"{}\"",
        '{{"Authorization": "Basic {}"}}',
        "Bearer {}12345678",
        "secret => '{}'",
        "password='''{}'''",
        "DB.Password := {}",
        "config.auth.token={}",
        "Passwort: {}",
        "client_secret={}&grant_type=client_credentials",
    ],
)  # fmt: skip
@pytest.mark.parametrize("escapes", [0, 1, 2])
def test_secrets_in_text_are_hidden_plain_and_encoded_as_json(text, escapes):
    whole = text.format(*[WORD] * text.count("{}"))
    for _ in range(escapes):
        whole = json.dumps({"body": whole})
    assert WORD in whole
    assert WORD not in redact.text(whole)
    assert WORD not in redact.text(f"it said: {whole}") or "\n" in text  # not JSON any more
    assert WORD not in json.dumps(redact({"log": whole}))


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_json_inside_json_inside_text(times):
    made = json.dumps({"user": "ann", "password": f'{WORD} "{WORD}" {WORD}', "page": 3})
    for _ in range(times):
        made = json.dumps(made)
    shown = redact.text(made)
    assert WORD not in shown
    for _ in range(times + 1):
        shown = json.loads(shown)
    assert shown == {"user": "ann", "password": MARK, "page": 3}


def test_json_keeps_its_look_where_it_holds_no_secret():
    text = '{ "page":3,\n "token_count" : 1.50, "big": 123456789012345678901234567890 }'
    assert redact.text(text) == text


def test_a_basic_header_without_its_name():
    encoded = base64.b64encode(f"ann:{WORD}".encode()).decode()
    assert redact.text(f"sent Basic {encoded} to it") == f"sent Basic {MARK} to it"


@pytest.mark.parametrize(
    "shape",
    [
        "ABIAIOSFODNN7EXAMPLE",
        "IQoJb3JpZ2luX2VjEJj//////////wEaCXVzLWVhc3QtMSJHMEUCIQDa",
        "FwoGZXIvYXdzEBYaDHhBTEMPLESessionToken12345678",
        "ya29.a0AfH6SMBx-abcdefghijklmnop", "GOCSPX-abcdefghijklmnopqrstuvwx12",
        "abc8Q~abcdefghijklmnopqrstuvwxyz01234567",
        "gho_abcdefghijklmnopqrstuvwxyz0123456789", "glrt-abcdefghijklmnop1234", "gldt-abcdefghijklmnop1234",
        "xoxp-123456789012-123456789012-abcdefABCDEF", "xapp-1-A0123456789-1234567890123-abcdef",
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "rk_live_abcdefghij1234567890", "whsec_abcdefghijklmnop1234567890",
        "sk-abcdefghijklmnopqrstuvwxyz012345", "sk-svcacct-abcd1234_efgh5678ijkl9012mnop",
        "sk-ant-admin01-abcdEFGH12345678_abc-def", "hf_ABCDEFghijklmnopqrstuvwx",
        "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAw", "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "SG.abcdefghijklmnopqrst.uvwxyz0123456789abcdefghij", "SK0123456789abcdef0123456789abcdef",
        "dapi0123456789abcdef0123456789abcdef", "shpat_0123456789abcdef0123456789abcdef",
        "dop_v1_0123456789abcdef0123456789abcdef0123456789abcdef", "gsk_abcdefghijklmnopqrstuvwxyz0123",
        "hvs.CAESIJabcdefghijklmnopqrstuvwxyz012345", "123456789:AAabcdefghijklmnopqrstuvwxyz0123456",
        "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ",
        "AGE-SECRET-KEY-1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQ5J4S",
    ],
)  # fmt: skip
def test_shapes_of_issuers_are_hidden_wherever_they_stand(shape):
    assert redact.text(f"before {shape} after") == f"before {MARK} after"
    assert redact.text(f"key:{shape}") == f"key:{MARK}"
    assert shape not in json.dumps(redact({"x": [{"y": f"({shape})"}]}))


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://discord.com/api/webhooks/123456789012345678/abcdefGHIJKL_mnop",
        "https://api.telegram.org/bot123456:abcdefgh/sendMessage",
    ],
)
def test_addresses_that_are_secrets(url):
    assert redact.text(url).endswith(MARK) or f"{MARK}" in redact.text(url)
    assert url.rpartition("/")[2][:12] not in redact.text(url) or "sendMessage" in url


def test_a_private_key_of_any_kind_also_with_its_lines_escaped():
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "PGP "):
        block = " BLOCK" if kind == "PGP " else ""
        key = f"-----BEGIN {kind}PRIVATE KEY{block}-----\n{body}\n{body}\n-----END {kind}PRIVATE KEY{block}-----"
        assert redact.text(f"a {key} b") == f"a {MARK} b"
        assert body not in redact.text(json.dumps(json.dumps({"pem": key})))
    certificate = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
    assert redact.text(certificate) == certificate


def test_secrets_as_keys_of_a_mapping():
    one, other = "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_zyxwvutsrqponmlkjihgfedcba0123456789"
    assert redact({one: 1, other: 2, ("a", one): 3}) == {MARK: 1, f"{MARK} 2": 2, f"('a', '{MARK}')": 3}


def test_a_secret_known_by_its_value():
    mine = Redactor(values=["correct horse", "abc"])
    assert mine(["a correct horse runs", {"correct horse": 1}]) == [f"a {MARK} runs", {MARK: 1}]
    assert mine.text("abc is too short to be hidden") == "abc is too short to be hidden"


def test_own_names_are_found_in_text_and_json_too():
    mine = Redactor(names=["^iban$"])
    assert mine.text("iban=DE00 town=Ulm") == f"iban={MARK} town=Ulm"
    assert mine.text('{"iban": "DE00", "town": "Ulm"}') == f'{{"iban": "{MARK}", "town": "Ulm"}}'


SHA = "8d3f1c2a9b7e4d6f0a1b2c3d4e5f60718293a4b5"
INNOCENT = [
    f"commit {SHA}", SHA, f"git checkout {SHA[:12]}", "550e8400-e29b-41d4-a716-446655440000",
    f"sha256:{SHA}{SHA[:24]}", "sha512-" + base64.b64encode(bytes(range(64))).decode(),
    "digest sha256:abcdef0123456789", "The token count is 1234 and the token budget 2000.", "token counting, token bucket",
    "Basic authentication and basic arithmetic, Basic Python3 and basic HTML5.", "Bearer authentication is described in RFC 6750.",
    "The password policy: at least 12 characters.", "password policy", "a password is required", "password: required",
    "Secret Santa is in the cookie shop.", "def login(user: str, password: str, token: str | None = None) -> bool:",
    "max_tokens=4096, token_count=17, total_tokens: 12", "{\"usage\": {\"prompt_tokens\": 12, \"token_type\": \"bpe\"}}",
    "keyboard=qwertz; monkey=banana; author=Ann; design=plain", "pin the version; spinning pins; a compass",
    "sk-learn and sk-image are packages; task-oriented-and-well-organized-things-are-good",
    "pk_organization_membership is a primary key; sk_customer_dimension_identifier",
    "https://example.org/a/b?page=2&sort=name#part", "ssh://git@github.com/ann/repo.git", "git@github.com:ann/repo.git",
    "mailto:ann@example.org", "user@example.org wrote: see http://example.org/@ann/post",
    "docker run -p 8080:80 -u 1000:1000 image", "mkdir -p build/out", "ssh -p 22 host", "use -p to keep times", "cp -p a.txt b.txt",
    "python -p option", "patch -p1 < fix.diff", "psql -p 5432 -U ann db", "tar -xpf a.tar", "git log -p file.py",
    "PWD=/home/ann", "token: None", "password=None", "password=${DB_PASSWORD}", "api_key=<your key>", "password=***",
    "secret = os.environ", "Unexpected token '}' in JSON at position 12", "the token 'foo' was not expected",
    "signature: (a: int, b: str) -> bool", "auth: oauth2 or none", "session: three rounds", "cookies are small",
    "The key: a small brass thing.", "Pass: 12 tests, fail: 3", "passed=12 failed=0 compass=north", "--password-file is a flag", "pass --token or --key",
    "version 1.2.3-rc.1+build.5", "2026-11-22T10:04:16.123456+00:00", "The quick brown fox jumps over the lazy dog. " * 20,
    "AKIA is a prefix", "eyJ is how JSON in base64 begins", "C:\\Users\\ann\\passes\\file.txt",
    "https://user-images.example.org/12345678/abcdef0123456789.png", "arn:aws:iam::123456789012:role/admin",
    "has_password=yes", "token_type=bearer", "password_policy=strict", "secret_name=prod/db",
    "SSH_AUTH_SOCK=/tmp/ssh-abc/agent.1", "x = tokens[3]; keys = list(d)",
]  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT, ids=range(len(INNOCENT)))
def test_innocent_texts_stay_as_they_are(text):
    assert redact.text(text) == text
    assert redact({"note": [text]}) == {"note": [text]}


@pytest.mark.parametrize(
    "value",
    [
        ["password", "reset"], ["token", "count", "limit"], [["word", "number"], ["page", "3"]],
        ["docker", "run", "-p", "8080:80", "image"], ["mkdir", "-p", "out"], ["ssh", "-p", "22", "host"],
        ["tool", "--password-file", "/run/x"], ["tool", "--token", "--verbose"], ["docker", "run", "-u", "1000:1000"],
        {"name": "town", "value": "Ulm"}, {"name": "password"}, {"token_count": 3, "has_password": True, "api_key": None},
        {"password_policy": "strict", "secret_arn": "arn:aws:x", "token_url": "https://example.org/token"},
    ],
    ids=repr,
)  # fmt: skip
def test_innocent_values_stay_as_they_are(value):
    assert redact(value) == value


def test_an_image_in_a_text_is_cut_short():
    picture = base64.b64encode(bytes(range(256)) * 4000).decode()
    shown = redact.text(f'<img src="data:image/png;base64,{picture}">')
    assert len(shown) < 100
    assert shown.startswith('<img src="data:image/png;base64,AAECAwQF')
    assert "characters]" in shown
    assert redact.text(shown) == shown
    small = f"data:image/gif;base64,{picture[:400]}"
    assert redact.text(small) == small


ADVERSARIES = [
    "a", "A", " ", "-", "=", ":", ".", "_", "\\", '"', "'", "/", "@", "?", "&", "{", "[", "(", "<", "%3D",
    "sk-", "sk-a-", "eyJ", "eyJa", "eyJhbGciOiJ-", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "://", "a://", "https://a@", "https://a:b",
    "data:a;base64,", "password", "password ", "password=", "password=a,", "password:\\\"", "password:\"a", "password='", "password=none.",
    "password=[redacted]", "authorization: ", "authorization: [redacted] ", "cookie: a ", "key", "key=", "api key ", "token ", "token is ",
    "--password ", "--password -", "-p ", " -p a", " -u a:", "mysql -p", "mysql ", "bearer ", "bearer aaaaaa ", "basic QUJD ",
    "<password ", "<password>", "['token', '", "name: 'token', value", "name='password' ", "login a password ", "identified by '", "?a_", "?a_key",
    "xoxa-", "ghp_", "glpat-", "SG.", "SG.aaaaaaaaaaaaaaaa", "1//0", "aaa8Q~", "123456789:AA", "secret_", "AKIA", "\u0130password=", "pass\n",
    "password: |\n ", "hooks.slack.com/services/", "\"password\": {", "{\"a\": ", "[\"password\",", "password=${", "password={{ ",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", ADVERSARIES, ids=range(len(ADVERSARIES)))
def test_no_text_takes_long(piece):
    """Time grows with the length: eight times the text may take up to 24 times as long, and quadratic would be 64."""

    def best(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        took = []
        for _ in range(2):
            began = time.process_time()
            redact.text(text)
            took.append(time.process_time() - began)
        return min(took)

    long = best(160_000)
    assert long < 0.3 or long < 24 * best(20_000), f"{piece!r}: {long:.2f} s"


def test_a_megabyte_of_everything_takes_a_moment():
    text = "".join(ADVERSARIES) * 1000
    began = time.process_time()
    redact.text(text[:1_000_000])
    assert time.process_time() - began < 10


_PIECES = st.sampled_from(
    [*ADVERSARIES, *INNOCENT[:20], WORD, SECRET, "\n", ", ", "; ", MARK, "ann:", "'x'", '"y"', ")"]
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_redacting_twice_hides_nothing_new(text):
    once = redact.text(text)
    twice = redact.text(once)
    assert twice.count(MARK) <= max(once.count(MARK), 1) or redact.text(twice) == twice


@given(
    st.sampled_from(["password", "api_key", "X-Auth-Token", "--token"]),
    st.text(alphabet="abcXYZ019+/=_-.~!$%^*", min_size=8),
)
def test_any_password_is_hidden(name, password):
    if set(password) <= set("-.*x") or password.startswith("-"):
        return
    for text in (f"{name}={password}", json.dumps({name: password}), shlex.join([name, f"{name}={password}"])):
        assert password not in redact.text(text)
