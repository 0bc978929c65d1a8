"""Ongoing over SOAP: order -> envelope, what replies mean, hostile XML, and where the login does not show."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.http import HIDDEN, Call, Reply
from schemas.ongoing_soap import create_or_update
from schemas.ongoing_soap_reply import Envelope, opened
from tasks.ongoing import plan
from tasks.ongoing.soap import Soap
from tests.ongoing_fake import body_of, line, order
from tests.ongoing_soap_wire import (
    BROKEN,
    NS,
    REFUSED,
    UNREADABLE,
    answer_of,
    destination,
    envelope,
    fault,
    job,
    processed,
)
from tests.paths import SHARED, needs_shared
from worker.config import check
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

NOW = 1_763_683_200.0
SOAP = {
    "api": "soap",
    "goods_owner_code": "ACME",
    "base_url": "https://api.ongoingsystems.se/acme/Service.asmx",
}

# ---------------------------------------------------------------- order -> envelope


def written(**changes: Any) -> Call:
    fields = changes.pop("fields", {})
    body = body_of(order(**changes), **SOAP, fields=fields)
    return create_or_update(body, goods_owner_code="ACME", fields=fields)


def parsed(call: Call) -> Element:
    """The operation's element, as the server reads it."""
    assert call.xml is not None
    root: Element = fromstring(call.xml.encode())
    return root[0][0]


def at(element: Element, path: str) -> str | None:
    found = element.find("/".join(f"{{{NS}}}{name}" for name in path.split("/")))
    return None if found is None else found.text or ""


def test_an_order_becomes_this_envelope_and_no_other() -> None:
    call = create_or_update(
        body_of(
            order(lines=[line()], shipping=[{"code": "x", "name": "X", "total_incl": "5", "tax": "1"}]),
            **SOAP,
            ways_of_delivery={"*": {"code": "STD"}},
        ),
        goods_owner_code="A & B",
        fields={},
    )
    assert (call.method, call.path, call.params, call.body) == ("POST", "", (), None)
    assert call.headers == (("SOAPAction", '"http://ongoingsystems.se/WSI/ProcessOrder"'),)
    number = at(parsed(call), "co/Customer/CustomerNumber") or ""
    assert number.startswith("CD-")
    assert (
        str(call.shown).replace(number, "CD-1")
        == """\
<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
  <soap:Body>
    <ProcessOrder xmlns="http://ongoingsystems.se/WSI">
      <GoodsOwnerCode>A &amp; B</GoodsOwnerCode>
      <UserName>***</UserName>
      <Password>***</Password>
      <co>
        <OrderInfo>
          <OrderIdentification>GoodsOwnerOrderNumber</OrderIdentification>
          <OrderOperation>CreateOrUpdate</OrderOperation>
          <GoodsOwnerOrderNumber>1001</GoodsOwnerOrderNumber>
          <GoodsOwnerOrderId>820982911946154508</GoodsOwnerOrderId>
          <SalesCode />
          <OrderRemark>Leave at the door</OrderRemark>
          <DeliveryDate>2026-11-20T00:00:00</DeliveryDate>
          <WayOfDeliveryType>
            <WayOfDeliveryTypeOperation>CreateOrFind</WayOfDeliveryTypeOperation>
            <WayOfDeliveryTypeIdentification>Code</WayOfDeliveryTypeIdentification>
            <Code>STD</Code>
            <Name>STD</Name>
          </WayOfDeliveryType>
          <OrderNotification>
            <MobilePhone>+61 2 5550 1234</MobilePhone>
            <Email>ada@example.com</Email>
            <NotifyByEmail>true</NotifyByEmail>
            <NotifyBySms>true</NotifyBySms>
            <NotifyByTelephone>false</NotifyByTelephone>
          </OrderNotification>
          <MarketPlace>acme-au</MarketPlace>
          <MarketPlaceOrderNumber>#1001</MarketPlaceOrderNumber>
        </OrderInfo>
        <Customer>
          <CustomerOperation>CreateOrUpdate</CustomerOperation>
          <CustomerIdentification>CustomerNumber</CustomerIdentification>
          <CustomerNumber>CD-1</CustomerNumber>
          <Name>Ada Lovelace</Name>
          <Address>1 Analytical St</Address>
          <PostCode>3188</PostCode>
          <City>Alabaster</City>
          <CountryCode>AU</CountryCode>
          <CountryStateCode>VIC</CountryStateCode>
        </Customer>
        <CustomerOrderLines>
          <CustomerOrderLine>
            <OrderLineIdentification>ExternalOrderLineCode</OrderLineIdentification>
            <ArticleIdentification>ArticleNumber</ArticleIdentification>
            <ExternalOrderLineCode>1</ExternalOrderLineCode>
            <OrderLineComment />
            <ArticleNumber>A</ArticleNumber>
            <CustomerLinePrice>10</CustomerLinePrice>
            <LinePrice>8</LinePrice>
            <NumberOfItems>1</NumberOfItems>
            <CurrencyCode>AUD</CurrencyCode>
            <DoPick>true</DoPick>
          </CustomerOrderLine>
        </CustomerOrderLines>
      </co>
    </ProcessOrder>
  </soap:Body>
</soap:Envelope>"""
    )


def test_an_article_on_two_lines_stays_on_two_lines_by_their_codes() -> None:
    co = parsed(written(lines=[line(id="1"), line(id="2", options={"Engraving": "A.L."})]))
    codes = [at(row, "ExternalOrderLineCode") for row in co.iter(f"{{{NS}}}CustomerOrderLine")]
    articles = [at(row, "ArticleNumber") for row in co.iter(f"{{{NS}}}CustomerOrderLine")]
    assert (codes, articles) == (["1", "2"], ["A", "A"])


def test_small_amounts_have_no_exponent() -> None:
    [row] = parsed(written(lines=[line(quantity="0.00001", total_incl="0.00", tax="0")])).iter(
        f"{{{NS}}}CustomerOrderLine"
    )
    assert at(row, "NumberOfItems") == "0.00001"


@pytest.mark.parametrize(
    "text",
    [
        "a < b & c > d",
        "]]> <![CDATA[x]]>",
        "<!-- --> <?username?> <?password?>",
        "</OrderRemark><OrderOperation>Remove</OrderOperation>",
        "&lt; &amp;amp; &#65; &ada;",
        "'single' \"double\"",
        "line\r\nbreak\ttab\rreturn",
        "Grüße, 日本, 👩\u200d🚀",
        "***",
    ],
)
def test_a_text_arrives_as_it_was_whatever_stands_in_it(text: str) -> None:
    process = parsed(written(note=text))
    assert at(process, "co/OrderInfo/OrderRemark") == text
    assert at(process, "co/OrderInfo/OrderOperation") == "CreateOrUpdate"


@settings(deadline=None)
@given(text=st.text(max_size=40), name=st.text(max_size=40))
def test_any_note_and_any_name_make_an_envelope_that_can_be_read(text: str, name: str) -> None:
    an_order = order(note=text, ship_to={"name": name, "address1": "1 St", "country": "AU"})
    call = create_or_update(body_of(an_order, **SOAP), goods_owner_code="ACME", fields={})
    assert at(parsed(call), "co/OrderInfo/OrderRemark") == (an_order.note or "")


def test_what_xml_cannot_write_is_left_out_of_a_configured_text() -> None:
    call = create_or_update(body_of(order()), goods_owner_code="AC\x00M\ufffeE\ud800", fields={})
    assert at(parsed(call), "GoodsOwnerCode") == "ACME"


def test_fields_go_into_order_info_at_their_place_and_win() -> None:
    fields = {
        "OrderRemark": "from the configuration",
        "OrderStatusCreated": 200,
        "FreeText1": "x",
        "OrderType": {"OrderTypeOperation": "CreateOrFind", "OrderTypeCode": "B2C"},
        "TransporterContract": {"TransporterContractIdentification": "CodeAndServiceCode", "TransporterCode": "PLAB"},
    }
    process = parsed(written(fields=fields))
    info = process.find(f"{{{NS}}}co/{{{NS}}}OrderInfo")
    assert info is not None
    names = [child.tag.rpartition("}")[2] for child in info]
    assert names.index("DeliveryDate") < names.index("OrderStatusCreated") < names.index("OrderType")
    assert at(process, "co/OrderInfo/OrderRemark") == "from the configuration"
    assert at(process, "co/OrderInfo/OrderType/OrderTypeCode") == "B2C"
    assert at(process, "co/TransporterContract/TransporterCode") == "PLAB"


@needs_shared
def test_every_element_is_in_the_wsdl_at_its_place_or_newer_than_it() -> None:
    assert SHARED is not None
    data = json.loads((SHARED / "contracts/data/ongoing-soap-types-reconstructed.json").read_text())
    newer = {"MarketPlace", "MarketPlaceOrderNumber"}
    fields = {"OrderType": {"OrderTypeCode": "B2C"}, "TransporterContract": {"TransporterCode": "PLAB"}}

    def check(element: Element, kind: str) -> None:
        if kind not in data["types"]:
            allowed = data["enums"].get(kind, {}).get("values")
            assert allowed is None or element.text in (*allowed, "CreateOrFind"), (kind, element.text)
            return
        known = {one["name"]: one["type"].removesuffix("[]") for one in data["types"][kind]}
        names = [child.tag.rpartition("}")[2] for child in element]
        documented = [name for name in names if name not in newer]
        assert sorted(documented, key=list(known).index) == documented
        for child, name in zip(element, names, strict=True):
            if name not in newer:
                check(child, known[name])

    body = body_of(order(), **SOAP, ways_of_delivery={"*": {"code": "STD", "name": "Standard"}})
    check(parsed(create_or_update(body, goods_owner_code="ACME", fields=fields)), "ProcessOrder")
    door = Soap(destination())
    check(parsed(door.cancel("1001")), "ProcessOrder")


# ---------------------------------------------------------------- the section of crossdock.toml


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        pytest.param({"goods_owner_code": None}, "goods_owner_code", "is missing", id="no code"),
        pytest.param({"goods_owner_code": ""}, "goods_owner_code", "at least 1", id="empty code"),
        pytest.param({"api": "graphql"}, "api", "'rest' or 'soap'", id="another API"),
        pytest.param(
            {"auth": {"mode": "bearer", "token": "t"}}, "api", 'mode = "bearer" and not "basic"', id="no user name"
        ),
        pytest.param({"fields": {"orderType": {"code": "B2C"}}}, "fields", "orderType: no element", id="REST's name"),
        pytest.param({"fields": {"OrderOperation": "Create"}}, "fields", "written from the order", id="ours"),
        pytest.param({"fields": {"OrderRemark": "x" * 501}}, "fields", "Ongoing takes 500", id="too long"),
        pytest.param({"fields": {"OrderType": {"a b": 1}}}, "fields", "cannot be the name", id="no element's name"),
        pytest.param({"fields": {"OrderType": [1]}}, "fields", "a text, a number", id="a list"),
    ],
)
def test_a_section_that_cannot_serve_is_refused_where_it_is_wrong(
    changes: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(ValidationError) as error:
        destination(**changes)
    [one] = error.value.errors()
    assert one["loc"][0] == place
    assert words in one["msg"]


def test_the_plan_is_the_envelope_without_the_login() -> None:
    [call] = plan(job())
    assert isinstance(call.shown, str)
    assert f"<UserName>{HIDDEN}</UserName>" in call.shown
    assert "sandbox-ongoing" not in repr(call)


# ---------------------------------------------------------------- what replies mean

CALL = Call("POST", "", xml="<x/>")
OK = "<OrderId>501</OrderId><InOrderId>0</InOrderId><ArticleDefId>0</ArticleDefId><Success>true</Success>"
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def says(status: int, text: str, **headers: str) -> Reply:
    return Reply(call=CALL, status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})


def put(reply: Reply, *, amends: bool = False) -> Outcome:
    return Soap(destination()).written(reply, number="1001", now=NOW, amends=amends)


def cancel(reply: Reply) -> Outcome:
    return Soap(destination()).cancel_outcome(reply, number="1001", now=NOW, order_id=501)


def refusal(text: str) -> Reply:
    return says(200, processed(f"<ErrorMessage>{text}</ErrorMessage><OrderId>0</OrderId><Success>false</Success>"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(processed(OK), id="as documented"),
        pytest.param(processed(OK.replace("true", " 1 ")), id="1 for true"),
        pytest.param("\ufeff" + processed(OK), id="with a byte order mark"),
        pytest.param(processed(OK).replace("utf-8", "utf-16"), id="an encoding that it is not in"),
        pytest.param(processed(f"{OK}<Message>Order created</Message><New>1</New>"), id="elements we do not know"),
        pytest.param(processed(OK).replace("soap:", "s:").replace(":soap=", ":s="), id="another prefix"),
    ],
)
def test_an_order_that_was_taken_is_delivered_under_its_order_id(text: str) -> None:
    assert put(says(200, text)) == Delivered(reference="501", memo={"order_id": 501, "number": "1001"})


def test_a_success_with_an_error_message_is_delivered_with_that_warning() -> None:
    decided = put(says(200, processed(f"<ErrorMessage>Check the address</ErrorMessage>{OK}")))
    assert isinstance(decided, Delivered)
    assert decided.warnings == ("the warehouse took the order and says: Check the address",)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(says(200, processed("<OrderId>0</OrderId><Success>true</Success>")), id="orderId 0"),
        pytest.param(says(200, processed("<Success>true</Success>")), id="no orderId"),
        pytest.param(says(200, processed("<OrderId>501</OrderId>")), id="no Success"),
        pytest.param(says(200, processed("<OrderId>501</OrderId><Success>yes</Success>")), id="another Success"),
        pytest.param(says(200, answer_of("ProcessArticle", OK)), id="another operation's answer"),
        pytest.param(says(200, envelope("")), id="an empty body"),
        pytest.param(says(200, envelope(f'<ProcessOrderResponse xmlns="{NS}" />')), id="no result"),
        pytest.param(says(200, processed(OK)[:-20]), id="cut off"),
        pytest.param(says(200, HTML), id="HTML"),
        pytest.param(says(200, '{"orderId": 501}'), id="JSON"),
        pytest.param(says(204, ""), id="204"),
    ],
)
def test_a_success_without_an_order_id_is_looked_up(reply: Reply) -> None:
    decided = put(reply)
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt, decided.counts) == ("looking", True, False)


@pytest.mark.parametrize(
    ("reply", "code", "in_doubt", "tries"),
    [
        pytest.param(Reply(call=CALL, fault="connect"), "connect", False, None, id="nothing was sent"),
        pytest.param(Reply(call=CALL, fault="timeout"), "timeout", True, None, id="time-out"),
        pytest.param(Reply(call=CALL, fault="lost"), "lost", True, None, id="connection lost"),
        pytest.param(says(500, BROKEN), "500", True, 12, id="500 with a fault of the server"),
        pytest.param(says(200, BROKEN), "500", True, 12, id="200 with a fault of the server"),
        pytest.param(says(500, HTML), "500", True, 12, id="500 as HTML"),
        pytest.param(says(502, HTML), "502", True, None, id="502 as HTML"),
        pytest.param(says(503, "", retry_after="30"), "503", True, None, id="503"),
        pytest.param(says(429, ""), "429", False, None, id="429"),
    ],
)
def test_what_says_nothing_about_the_order_is_tried_again(
    reply: Reply, code: str, in_doubt: bool, tries: int | None
) -> None:
    for decided in (put(reply), cancel(reply)):
        assert isinstance(decided, Retry)
        assert (decided.code, decided.in_doubt, decided.tries) == (code, in_doubt, tries)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(says(401, ""), "unauthorized", id="401"),
        pytest.param(says(403, HTML), "forbidden", id="403"),
        pytest.param(says(404, HTML), "wrong_url", id="404"),
        pytest.param(says(405, ""), "method_refused", id="405"),
        pytest.param(says(301, "", location="https://x.example"), "redirected", id="301"),
    ],
)
def test_a_wrong_connection_suspends_the_destination(reply: Reply, code: str) -> None:
    for decided in (put(reply), cancel(reply)):
        assert isinstance(decided, Suspend)
        assert decided.code == code
        assert "[destinations.ongoing-se]" in decided.hint
        assert "/api/v1" not in decided.hint


@pytest.mark.parametrize(
    ("reply", "code", "quoted"),
    [
        pytest.param(refusal("Article 'X' not found"), "refused", "Article 'X' not found", id="Success=false"),
        pytest.param(refusal("a &lt;br/&gt; b"), "refused", "(a b)", id="with breaks"),
        pytest.param(refusal(""), "refused", "without a text", id="without a text"),
        pytest.param(
            says(200, processed("<Success>false</Success><Message>No</Message>")), "refused", "(No)", id="in Message"
        ),
        pytest.param(says(500, UNREADABLE), "invalid", "There is an error in XML document", id="a fault of ours"),
        pytest.param(says(200, UNREADABLE), "invalid", "There is an error in XML document", id="that with 200"),
        pytest.param(says(400, HTML), "refused", "400: 502 Bad Gateway", id="400, as over REST"),
    ],
)
def test_a_refusal_is_a_dead_letter_or_held_where_the_warehouse_has_the_order(
    reply: Reply, code: str, quoted: str
) -> None:
    new, change = put(reply), put(reply, amends=True)
    assert isinstance(new, Reject)
    assert (new.code, new.hold, new.in_doubt) == (code, False, False)
    assert quoted in new.reason
    assert isinstance(change, Reject)
    changed = {"refused": "change_refused"}.get(code, code)
    assert (change.code, change.hold, change.in_doubt) == (changed, True, True)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        pytest.param(says(200, processed(OK)), Delivered, "", id="Success=true"),
        pytest.param(says(200, processed("<Success>true</Success>")), Delivered, "", id="without an id"),
        pytest.param(refusal("The order is already cancelled."), Delivered, "", id="already cancelled"),
        pytest.param(refusal("Already shipped, cannot be cancelled"), Reject, "cancel_refused", id="shipped"),
        pytest.param(says(500, UNREADABLE), Reject, "cancel_refused", id="a fault of ours"),
        pytest.param(says(200, HTML), Retry, "unreadable", id="HTML with 200"),
        pytest.param(says(200, processed("")), Retry, "unreadable", id="no Success"),
    ],
)
def test_what_a_cancel_comes_to(reply: Reply, kind: type[Outcome], code: str) -> None:
    decided = cancel(reply)
    assert isinstance(decided, kind)
    assert getattr(decided, "code", "") == code
    if isinstance(decided, Delivered):
        assert (decided.reference, decided.memo["cancelled"]) == ("501", True)
    if isinstance(decided, Reject):
        assert (decided.hold, decided.in_doubt) == (True, True)


# ---------------------------------------------------------------- hostile XML

BILLION = (
    '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def with_prolog(prolog: str, text: str) -> str:
    return processed(f"{OK}<ErrorMessage>{text}</ErrorMessage>").replace("?>", f"?>{prolog}", 1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(with_prolog(BILLION, "&i;"), id="a billion laughs"),
        pytest.param(with_prolog('<!DOCTYPE x [<!ENTITY a "b">]>', "&a;"), id="an entity"),
        pytest.param(with_prolog('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>', "&a;"), id="a file"),
        pytest.param(with_prolog('<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>', "&a;"), id="an address"),
        pytest.param(with_prolog('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', "x"), id="a DTD elsewhere"),
        pytest.param(with_prolog("<!DOCTYPE x>", "x"), id="a bare DTD"),
        pytest.param(with_prolog('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>', "x"), id="parameter"),
        pytest.param(processed(f"{OK}&nope;"), id="an entity that nobody declared"),
        pytest.param(processed(f"{OK}\x00"), id="NUL"),
        pytest.param(processed(f"{OK}<p:x />"), id="a prefix that nobody declared"),
        pytest.param(processed("<a>" * 100_000 + "</a>" * 99_999), id="deep and wrong"),
        pytest.param("<" * 1_000_000, id="a million brackets"),
        pytest.param('<?xml version="1.0" encoding="no-such"?' + processed(OK)[38:], id="no such encoding"),
        pytest.param("", id="nothing"),
    ],
)
def test_hostile_xml_is_no_answer_and_opens_nothing(text: str) -> None:
    reply = says(200, text)
    assert opened(reply) == Envelope(True, None)
    decided = put(reply)
    assert isinstance(decided, Retry)
    assert decided.code == "looking"


def filled(size: int, unit: str, close: str = "") -> str:
    """An answer of that many characters, of so many units after the result."""
    count = size // (len(unit) + len(close))
    return processed(OK + unit * count + close * count)


SHAPES = [
    pytest.param(("x", ""), id="one long text"),
    pytest.param(("<Junk>x</Junk>", ""), id="many elements"),
    pytest.param(("<a>", "</a>"), id="deep"),
    pytest.param(("<a b='c' d='e' f='g' />", ""), id="many attributes"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_three_megabytes_are_not_read_at_all(shape: tuple[str, str]) -> None:
    reply = says(200, filled(3_000_000, *shape))
    begun = time.process_time()
    decided = put(reply)
    assert time.process_time() - begun < 0.2
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt) == ("looking", True)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_just_short_enough_is_read_once(shape: tuple[str, str]) -> None:
    reply = says(200, filled(1_900_000, *shape))
    begun = time.process_time()
    decided = put(reply)
    assert time.process_time() - begun < 4, "about half a second where nothing else runs"
    assert isinstance(decided, Delivered)


def test_a_long_refusal_is_quoted_in_short() -> None:
    decided = put(refusal("x" * 1_000_000))
    assert isinstance(decided, Reject)
    assert len(decided.reason) < 400


def test_a_fault_quotes_its_words_and_nothing_of_the_markup() -> None:
    decided = put(says(500, fault("Server was unable to process &lt;b&gt;this&lt;/b&gt; request.")))
    assert isinstance(decided, Retry)
    assert (
        decided.reason == "The warehouse's server is busy or broken (500: Server was unable to process this request.)."
    )


def test_no_reason_repeats_personal_data_of_the_order() -> None:
    for reply in (says(200, REFUSED), says(500, UNREADABLE), says(500, BROKEN), says(200, HTML), says(401, "")):
        decided = put(reply)
        text = getattr(decided, "reason", "") + getattr(decided, "hint", "")
        assert not any(word in text for word in ("Ada", "ada@example.com", "Lund"))


def test_check_says_what_a_soap_destination_lacks_and_where(tmp_path: Path) -> None:
    lines = [
        "[destinations.wms]",
        'system = "ongoing"',
        'api = "soap"',
        'base_url = "https://api.ongoingsystems.se/acme/Service.asmx"',
        'auth = { mode = "basic", username = "WSI1", password = "" }',
        "goods_owner_id = 159",
        "fields = { orderType = 1 }",
    ]
    (tmp_path / "crossdock.toml").write_text("\n".join(lines))
    told = {one.key: one for one in check(tmp_path / "crossdock.toml", {}) if one.key.startswith("destinations")}
    assert "over SOAP the goods owner is named by it" in told["destinations.wms.goods_owner_code"].message
    assert told["destinations.wms.fields"].line == 7
    (tmp_path / "crossdock.toml").write_text("\n".join([*lines[:-1], 'goods_owner_code = "ACME"']))
    assert not [one for one in check(tmp_path / "crossdock.toml", {}) if one.key.startswith("destinations.wms.")]
