"""The Esuite stand-in answers as contracts/esuite.md says, over HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.sandboxed import ESUITE_TOKEN, Sandboxed, head, transaction


def post(sandbox: Sandboxed, *args: Any, **changes: Any) -> dict[str, str]:
    answer = sandbox.esuite("POST", json=transaction(*args, **changes)).raise_for_status()
    key: dict[str, str] = answer.json()["T_Trans"]
    return key


def rows(sandbox: Sandboxed, **params: str) -> list[dict[str, Any]]:
    answer = sandbox.esuite("GET", params=params)
    if answer.status_code == 204:
        assert answer.content == b""
        return []
    found: list[dict[str, Any]] = answer.raise_for_status().json()["Trans"]
    return found


def refused(answer: httpx.Response, status: int, text: str) -> None:
    assert answer.status_code == status
    assert answer.json() == {"StatusCode": str(status), "Description": text}


# ------------------------------------------------------------------ authentication (section 2)

BASIC = "Basic " + base64.b64encode(b"sandbox:sandbox-esuite").decode()
WAYS: dict[str, dict[str, Any]] = {
    "bearer": {"headers": {"authorization": f"Bearer {ESUITE_TOKEN}"}},
    "basic": {"headers": {"authorization": BASIC}},
    "header": {"headers": {"Token": ESUITE_TOKEN}},
    "query": {"params": {"token": ESUITE_TOKEN}},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_credential_may_travel_in_each_of_the_four_ways(sandbox: Sandboxed, way: str) -> None:
    post(sandbox)
    answer = sandbox.http.get("/esuite/api/v2/trans", **WAYS[way])
    assert len(answer.json()["Trans"]) == 1


def test_the_key_in_the_query_is_no_parameter(sandbox: Sandboxed) -> None:
    answer = sandbox.http.get("/esuite/api/v2/stock", params={"token": ESUITE_TOKEN})
    assert answer.status_code == 406


@pytest.mark.parametrize("way", WAYS)
def test_a_site_may_insist_on_one_way(sandbox: Sandboxed, way: str) -> None:
    sandbox.switch("esuite", auth=way)
    answers = {name: sandbox.http.get("/esuite/api/v2/company", **WAYS[name]).status_code for name in WAYS}
    assert answers == {name: 200 if name == way else 403 for name in WAYS}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"Token": ""}], ids=str)
def test_a_missing_or_wrong_credential_is_403_and_never_401(sandbox: Sandboxed, headers: dict[str, str]) -> None:
    answer = sandbox.http.get("/esuite/api/v2/trans", headers=headers)
    refused(answer, 403, "Not Authorized - Issue with Token provided or token missing")


def test_a_gateway_may_answer_401(sandbox: Sandboxed) -> None:
    sandbox.switch("esuite", unauthorized=401)
    assert sandbox.http.get("/esuite/api/v2/trans").status_code == 401


# ------------------------------------------------------------------ error replies (section 3.2)

NO_BODY: dict[str, Any] = {}
TABLE = [
    ("incomplete URL", "GET", "", NO_BODY, 400, "Error with URL - Incomplete URL"),
    ("unknown endpoint", "GET", "orders", NO_BODY, 404, "Resource not found"),
    ("deeper path", "GET", "trans/1/2", NO_BODY, 404, "Resource not found"),
    ("no payload", "POST", "trans", NO_BODY, 400, "No Payload Found"),
    ("unreadable payload", "POST", "trans", {"content": b"{'a"}, 400, "No Payload Found"),
    ("empty payload", "PUT", "trans", {"json": {}}, 400, "No Payload Found"),
    ("no root", "POST", "trans", {"json": {"T_trans": {}}}, 400, "Error with Payload - No T_Trans Data found"),
    ("empty root", "POST", "trans", {"json": {"T_Trans": {}}}, 400, "Error with Payload - No T_Trans Data found"),
    ("an array", "POST", "trans", {"json": [1]}, 400, "Error with Payload - No T_Trans Data found"),
    ("no stock", "POST", "stock", {"json": {"a": 1}}, 400, "Error with Payload - No Stock Data presented"),
    ("no account", "PUT", "cust", {"json": {"a": 1}}, 400, "Error with Payload - No T_Acc Data presented"),
    ("no discount", "PUT", "custdisc", {"json": {"a": 1}}, 400, "Error with Payload - No T_Acc Data presented"),
    ("no note", "POST", "notes", {"json": {"a": 1}}, 400, "Error with Payload - No T_Notes Data presented."),
    ("wrong method", "POST", "company", NO_BODY, 405, "Method chosen is not implemented for that endpoint."),
    ("no delete", "DELETE", "custdisc", NO_BODY, 405, "Method chosen is not implemented for that endpoint."),
    ("stock without parameters", "GET", "stock", NO_BODY, 406, "Missing Parameters - Too much data would be returned"),
    ("cust without parameters", "GET", "cust", NO_BODY, 406, "Missing Parameters - Too much data would be returned"),
    ("codes without parameters", "GET", "codes", NO_BODY, 406, "No parameters provided"),
    ("code without parameters", "GET", "code", NO_BODY, 406, "No parameters provided"),
    ("voucher without parameters", "GET", "voucher", NO_BODY, 406, "No parameters provided"),
    ("patch", "PATCH", "trans", {"json": {"T_Trans": {"a": 1}}}, 501, "Supplied method not supported."),
    ("trace", "TRACE", "trans", NO_BODY, 501, "Supplied method not supported."),
]


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status", "text"),
    [row[1:] for row in TABLE],
    ids=[str(row[0]) for row in TABLE],
)
def test_each_documented_error_has_its_status_and_its_text(
    sandbox: Sandboxed, method: str, path: str, kwargs: dict[str, Any], status: int, text: str
) -> None:
    refused(sandbox.esuite(method, path, **kwargs), status, text)


@pytest.mark.parametrize(
    ("endpoint", "params"),
    [
        ("trans", {"TransYourRef": "WEB-0"}),
        ("stock", {"StockCode": "UNKNOWN-1"}),
        ("cust", {"AccountRef": "X"}),
        ("voucher", {"VoucherNo": "1"}),
    ],
)
def test_nothing_found_is_204_without_a_body(sandbox: Sandboxed, endpoint: str, params: dict[str, str]) -> None:
    answer = sandbox.esuite("GET", endpoint, params=params)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_read_only_database_refuses_writes_and_answers_reads(sandbox: Sandboxed) -> None:
    sandbox.switch("esuite", read_only=True)
    refused(sandbox.esuite("POST", json=transaction()), 403, "Forbidden - Data is read only")
    assert sandbox.esuite("GET", "company").status_code == 200


# ------------------------------------------------------------------ POST (section 6)


def test_a_transaction_is_answered_with_three_strings(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    assert key == {"CompanyNo": "36015", "TransNo": "1464547", "TransRefCode": "PSOR-123456"}


def test_a_site_may_answer_201(sandbox: Sandboxed) -> None:
    sandbox.switch("esuite", post_status=201)
    assert sandbox.esuite("POST", json=transaction()).status_code == 201


def test_a_second_post_with_the_same_reference_makes_a_second_transaction(sandbox: Sandboxed) -> None:
    first, second = post(sandbox), post(sandbox)
    assert first["TransNo"] != second["TransNo"]
    assert sandbox.get("counts")["esuite"] == {"WEB-1001": 2}


REFUSALS: dict[str, dict[str, Any]] = {
    "AccountRef CASH99 was not found": {"T_Trans": head(AccountRef="CASH99")},
    "AccountNo 4711 was not found": {"T_Trans": head(AccountRef=None, AccountNo=4711)},
    "an account identifier is missing in T_Trans": {"T_Trans": head(AccountRef=None)},
    "BatchType is missing in T_Trans": {"T_Trans": head(BatchType=None)},
    "BatchType XXX was not found": {"T_Trans": head(BatchType="XXX")},
    "TransLedger is missing in T_Trans": {"T_Trans": head(TransLedger=None)},
    "TransType is missing in T_Trans": {"T_Trans": head(TransType=None)},
    "DlvAddressNo must be -1 where T_TrnDlv overrides the address": {"T_Trans": head(DlvAddressNo=None)},
    "TransDate 9/8/2020 is no date, write yyyy-mm-dd": {"T_Trans": head(TransDate="9/8/2020")},
    "StockCode UNKNOWN-7 was not found (line 1)": {"T_TrnDet": [{"StockCode": "UNKNOWN-7"}]},
    "StockCode is missing in line 2": {"T_TrnDet": [{"StockCode": "A"}, {"LineQty": 1}]},
    "LineQty in line 1 is no number: two": {"T_TrnDet": [{"StockCode": "A", "LineQty": "two"}]},
    "PaymentType is missing in T_Pay": {"T_Pay": {"PaymentAmt": "1"}},
    "PaymentAmt is missing in T_Pay": {"T_Pay": {"PaymentType": "WEB"}},
    "PaymentType BITS was not found": {"T_Pay": {"PaymentType": "BITS", "PaymentAmt": "1"}},
    "AuthBankPosted is missing in T_Pay, PaymentType CASH needs it": {
        "T_Pay": {"PaymentType": "CASH", "PaymentAmt": "1"}
    },
    "SerialQty is missing in T_Serial": {"T_Serial": {"SerialNo": "1", "StockCode": "A"}},
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_payload_that_does_not_fit_is_refused_and_nothing_is_kept(sandbox: Sandboxed, text: str) -> None:
    answer = sandbox.esuite("POST", json=transaction(**REFUSALS[text]))
    refused(answer, 400, f"Error with Payload - {text} [sandbox]")
    assert sandbox.get("counts")["esuite"] == {}


def test_a_payment_type_that_needs_no_banking_goes_without_auth_bank_posted(sandbox: Sandboxed) -> None:
    post(sandbox, T_Pay={"PaymentType": "WEB", "PaymentAmt": 91.9})
    assert sandbox.get("orders")["esuite"]["WEB-1001"][0]["paid"] == "91.90"


def test_the_sample_as_printed_is_taken_by_a_lenient_site(sandbox: Sandboxed) -> None:
    printed = transaction(
        "WEB-183977",
        T_Trans={**head(AccountRef="00000P03", TransType=None), "TransUserStr1": 2092},
        T_Pay={"PaymentType": "CASH", "PaymentAmt": "51.95"},
    )
    sandbox.switch("esuite", strict="sample", accounts=None)
    assert sandbox.esuite("POST", json=printed).json()["T_Trans"]["TransRefCode"] == "PSOR-123456"
    assert rows(sandbox, TransUserStr1="2092"), "what was written can be searched for"


def test_account_number_minus_one_opens_another_account_every_time(sandbox: Sandboxed) -> None:
    for _ in range(2):
        post(sandbox, T_Trans=head(AccountRef=None, AccountNo=-1))
    accounts = [row["AccountRef"] for row in rows(sandbox)]
    assert accounts == ["NEW00001", "NEW00002"]
    assert sandbox.esuite("GET", "cust", params={"AccountRef": "NEW00002"}).status_code == 200


def test_an_account_may_be_named_by_its_number(sandbox: Sandboxed) -> None:
    known = sandbox.esuite("GET", "cust", params={"AccountRef": "CASH01"}).json()["Acc"][0]
    post(sandbox, T_Trans=head(AccountRef=None, AccountNo=int(known["AccountNo"])))
    assert rows(sandbox)[0]["AccountRef"] == "CASH01"


def test_stock_may_be_a_fixed_list(sandbox: Sandboxed) -> None:
    sandbox.switch("esuite", stock=["ITEM A"])
    answer = sandbox.esuite("POST", json=transaction())
    refused(answer, 400, "Error with Payload - StockCode ITEM B was not found (line 2) [sandbox]")


# ------------------------------------------------------------------ GET (section 5)


def test_every_value_of_header_and_line_is_a_string(sandbox: Sandboxed) -> None:
    post(sandbox)
    (row,) = rows(sandbox)
    details = row.pop("T_TrnDet")
    assert {type(value) for value in row.values()} == {str}
    assert {type(value) for line in details for value in line.values()} == {str}
    assert (row["LocationNo"], row["TransIncGST"], row["OrderNo"]) == ("23", "True", "")
    assert row["TransDate"] == "2020-08-09 00:00:00"
    assert row["TransPeriod"] == "202102", "the fiscal year starts in July"
    assert len(row) == 56
    assert len(details[0]) == 61


def test_gst_is_rounded_line_by_line_and_the_header_is_their_sum(sandbox: Sandboxed) -> None:
    post(
        sandbox,
        T_TrnDet=[
            {"StockCode": "A", "LineQty": "1", "LineUnitPrice": "5", "LineIncGST": "True"},
            {"StockCode": "B", "LineQty": "1", "LineUnitPrice": "10.00", "LineIncGST": True},
        ],
    )
    (row,) = rows(sandbox)
    lines = {line["StockCode"]: line for line in row["T_TrnDet"]}
    assert (lines["A"]["LineTotalExGST"], lines["A"]["LineTotalGST"]) == ("4.55", "0.45")
    assert (lines["B"]["LineTotalExGST"], lines["B"]["LineTotalGST"]) == ("9.09", "0.91")
    totals = [row[f"TransTotal{kind}"] for kind in ("ExGST", "GST", "IncGST")]
    assert totals == ["13.64", "1.36", "15"], "trailing zeros are cut"
    assert (row["PaymentEntryAmt"], row["AccountOutstanding"]) == ("51.95", "-36.95")


def test_prices_without_tax_get_it_added(sandbox: Sandboxed) -> None:
    line = {"StockCode": "A", "LineQty": 3, "LineUnitPrice": "9.99", "LineIncGST": "False"}
    post(sandbox, T_TrnDet=[line])
    (row,) = rows(sandbox)
    assert [row["TransTotalExGST"], row["TransTotalGST"], row["TransTotalIncGST"]] == ["29.97", "3", "32.97"]


def test_lines_come_back_in_another_order_and_numbered_from_seven(sandbox: Sandboxed) -> None:
    post(sandbox)
    details = rows(sandbox)[0]["T_TrnDet"]
    assert [(line["DetailNo"], line["StockCode"]) for line in details] == [("8", "ITEM B"), ("7", "ITEM A")]


def test_details_come_by_default_and_delivery_on_request(sandbox: Sandboxed) -> None:
    post(sandbox)
    (row,) = rows(sandbox, InclDetails="0", InclDelivery="1")
    assert "T_TrnDet" not in row
    assert "T_TrnDlv" not in rows(sandbox)[0]
    assert row["T_TrnDlv"][0]["TransNo"] == 1464547, "a bare number, here only"


@pytest.mark.parametrize("written", ["DlvPostCode", "DlvPostcode"])
def test_the_postcode_is_written_either_way_and_read_as_dlvpostcode(sandbox: Sandboxed, written: str) -> None:
    post(sandbox, T_TrnDlv={written: "3188"})
    delivery = rows(sandbox, InclDelivery="1")[0]["T_TrnDlv"][0]
    assert delivery["DlvPostcode"] == "3188"
    assert "DlvPostCode" not in delivery


def test_primary_fields_leave_out_our_reference(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    assert rows(sandbox, PK="1") == [key]


FILTERS = [
    ({"TransYourRef": "WEB-2"}, ["WEB-2"]),
    ({"TransYourRef": "web-2"}, []),
    ({"TransYourRef": "WEB"}, []),
    ({"TransYourRef": "WEB-2", "TransLedger": "P"}, []),
    ({"BatchType": "SAR", "AccountRef": "CASH01"}, ["WEB-1", "WEB-2", "WEB-3"]),
    ({"TransNo": "1464549"}, ["WEB-3"]),
    ({"Limit": "2"}, ["WEB-1", "WEB-2"]),
    ({"PageNo": "2", "PageSize": "2"}, ["WEB-3"]),
    ({"PageNo": "3", "PageSize": "2"}, []),
    ({"PageNo": "1", "PageSize": "3", "Limit": "1"}, ["WEB-1"]),
    ({"TransDate": "2020-08-09"}, ["WEB-1", "WEB-2", "WEB-3"]),
    ({"DateFrom": "2020-08-10"}, []),
    ({"DateTo": "2020-08-09"}, ["WEB-1", "WEB-2", "WEB-3"]),
    ({"InfoCreated": "2999-01-01"}, []),
    ({"TransCreated": "2020-08-09"}, []),
    ({"Colour": "blue"}, ["WEB-1", "WEB-2", "WEB-3"]),
]


@pytest.mark.parametrize(("params", "found"), FILTERS, ids=[str(params) for params, _ in FILTERS])
def test_filters_compare_exactly(sandbox: Sandboxed, params: dict[str, str], found: list[str]) -> None:
    for number in (1, 2, 3):
        post(sandbox, f"WEB-{number}")
    assert [row["TransYourRef"] for row in rows(sandbox, **params)] == found


def test_a_site_may_ignore_filters(sandbox: Sandboxed) -> None:
    post(sandbox, "WEB-1")
    sandbox.switch("esuite", filter="ignore")
    assert [row["TransYourRef"] for row in rows(sandbox, TransYourRef="WEB-2")] == ["WEB-1"]


def test_a_site_may_filter_by_containment(sandbox: Sandboxed) -> None:
    post(sandbox, "WEB-10")
    sandbox.switch("esuite", filter="like")
    assert [row["TransYourRef"] for row in rows(sandbox, TransYourRef="web-1")] == ["WEB-10"]


def test_version_1_finds_one_record_by_its_reference_in_both_forms(sandbox: Sandboxed) -> None:
    reference = post(sandbox)["TransRefCode"]
    headers = {"authorization": f"Bearer {ESUITE_TOKEN}"}
    for url in (f"/esuite/api/trans/{reference}", f"/esuite/api/trans?TransRefCode={reference}"):
        (row,) = sandbox.http.get(url, headers=headers).json()["Trans"]
        assert row["TransRefCode"] == reference
    assert sandbox.http.get("/esuite/api/trans", headers=headers).status_code == 400


# ------------------------------------------------------------------ PUT, DELETE, OPTIONS


def update(key: dict[str, str], **fields: Any) -> dict[str, Any]:
    own = {"CompanyNo": int(key["CompanyNo"]), "TransNo": int(key["TransNo"])}
    return {**own, "BatchType": "SAR", "TransLedger": "S", **fields}


def test_put_changes_the_header_and_replaces_the_tables_that_are_sent(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    body = {
        "T_Trans": update(key, TransComment="late"),
        "T_TrnDet": [{"StockCode": "C", "LineUnitPrice": "11"}],
    }
    assert sandbox.esuite("PUT", json=body).json() == {"T_Trans": key}
    (row,) = rows(sandbox, InclDelivery="1")
    assert (row["TransComment"], row["TransYourRef"]) == ("late", "WEB-1001")
    assert [line["StockCode"] for line in row["T_TrnDet"]] == ["C"]
    assert (row["TransTotalIncGST"], row["PaymentEntryAmt"]) == ("11", "51.95")
    assert row["T_TrnDlv"][0]["DlvLastname"] == "Incognito"


MUG = {"StockCode": "ITEM A", "LineQty": 1, "LineUnitPrice": "39.95"}
HAT = {"StockCode": "HAT", "LineUnitPrice": "11"}
PUTS = [("replace", {"ITEM A": "1", "HAT": "1"}), ("merge", {"ITEM A": "1", "ITEM B": "1", "HAT": "1"})]
PUTS += [("ignore", {"ITEM A": "2", "ITEM B": "1"})]


@pytest.mark.parametrize(("switch", "left"), PUTS, ids=[switch for switch, _ in PUTS])
def test_put_may_replace_lines_merge_them_or_do_nothing(sandbox: Sandboxed, switch: str, left: dict[str, str]) -> None:
    key = post(sandbox)
    sandbox.switch("esuite", put=switch)
    answer = sandbox.esuite("PUT", json={"T_Trans": update(key, TransComment="late"), "T_TrnDet": [MUG, HAT]})
    assert (answer.status_code, answer.json()) == (200, {"T_Trans": key})
    (row,) = rows(sandbox)
    assert {line["StockCode"]: line["LineQty"] for line in row["T_TrnDet"]} == left
    assert row["TransComment"] == ("" if switch == "ignore" else "late")


def test_a_payment_in_a_merged_put_is_a_second_payment(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    sandbox.switch("esuite", put="merge")
    payment = {"PaymentType": "WEB", "PaymentAmt": "10"}
    sandbox.esuite("PUT", json={"T_Trans": update(key), "T_Pay": payment}).raise_for_status()
    assert sandbox.get("orders")["esuite"]["WEB-1001"][0]["paid"] == "61.95"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_transaction_that_has_begun_is_neither_changed_nor_deleted(sandbox: Sandboxed, method: str) -> None:
    first, second = post(sandbox, "WEB-1"), post(sandbox, "WEB-2")
    sandbox.switch("esuite", begun=["WEB-1"])
    answer = sandbox.esuite(method, json={"T_Trans": update(first), "T_TrnDet": [MUG]})
    refused(answer, 400, "Error with Payload - transaction has been invoiced [sandbox]")
    assert sandbox.get("orders")["esuite"]["WEB-1"][0]["total"] == "91.90"
    assert sandbox.get("counts")["esuite"]["WEB-1"] == 1
    assert sandbox.esuite(method, json={"T_Trans": update(second), "T_TrnDet": [MUG]}).status_code == 200


def test_put_may_rename_our_reference(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    sandbox.esuite("PUT", json={"T_Trans": update(key, TransYourRef="WEB-9")}).raise_for_status()
    assert sandbox.get("counts")["esuite"] == {"WEB-9": 1}
    assert [row["TransNo"] for row in rows(sandbox, TransYourRef="WEB-9")] == [key["TransNo"]]
    assert rows(sandbox, TransYourRef="WEB-1001") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("wrong", [{"TransNo": 1}, {"CompanyNo": 1}], ids=str)
def test_a_target_that_is_not_there_is_204(sandbox: Sandboxed, method: str, wrong: dict[str, int]) -> None:
    key = post(sandbox)
    answer = sandbox.esuite(method, json={"T_Trans": update(key, **wrong)})
    assert (answer.status_code, answer.content) == (204, b"")
    assert sandbox.get("counts")["esuite"] == {"WEB-1001": 1}


@pytest.mark.parametrize("missing", ["CompanyNo", "TransNo", "BatchType"])
def test_delete_wants_company_number_and_batch_type(sandbox: Sandboxed, missing: str) -> None:
    body = update(post(sandbox))
    del body[missing]
    answer = sandbox.esuite("DELETE", json={"T_Trans": body})
    refused(answer, 400, f"Error with Payload - {missing} is missing in T_Trans [sandbox]")


def test_a_deleted_transaction_looks_absent_unless_asked_for(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    answer = sandbox.esuite("DELETE", json={"T_Trans": update(key)})
    assert answer.json() == {"T_Trans": {"Deleted": "true", **key}}
    assert rows(sandbox, TransYourRef="WEB-1001") == []
    assert len(rows(sandbox, TransYourRef="WEB-1001", ShowDeleted="1")) == 1
    assert sandbox.get("counts")["esuite"] == {"WEB-1001": 0}
    assert sandbox.esuite("DELETE", json={"T_Trans": update(key)}).status_code == 204


@pytest.mark.parametrize(("switch", "found"), [("only", ["WEB-1"]), ("also", ["WEB-1", "WEB-2"])])
def test_show_deleted_means_only_or_also(sandbox: Sandboxed, switch: str, found: list[str]) -> None:
    key = post(sandbox, "WEB-1")
    post(sandbox, "WEB-2")
    sandbox.esuite("DELETE", json={"T_Trans": update(key)}).raise_for_status()
    sandbox.switch("esuite", show_deleted=switch)
    assert [row["TransYourRef"] for row in rows(sandbox, ShowDeleted="true")] == found


def test_options_has_line_breaks_inside_its_strings(sandbox: Sandboxed) -> None:
    answer = sandbox.esuite("OPTIONS")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="control character"):
        json.loads(answer.text)
    lenient = json.loads(answer.text, strict=False)
    types = [code.strip() for code in lenient["Sales"]["Sales Payment Types"].split(",")]
    assert "WEB" in types


# ------------------------------------------------------------------ company, stock, cust (section 7)


def test_company_numbers_are_bare(sandbox: Sandboxed) -> None:
    (company,) = sandbox.esuite("GET", "company").json()["Company"]
    assert company["CompanyNo"] == 36015


def test_stock_codes_are_a_comma_list_and_unknown_ones_are_left_out(sandbox: Sandboxed) -> None:
    found = sandbox.esuite("GET", "stock", params={"StockCode": "Item A,UNKNOWN-1, Item B"}).json()["Stk"]
    assert [item["StockCode"] for item in found] == ["Item A", "Item B"]
    assert isinstance(found[0]["StockNo"], int)


def test_stock_without_parameters_may_return_everything(sandbox: Sandboxed) -> None:
    sandbox.switch("esuite", stock=["A", "B"], return_all=True)
    assert len(sandbox.esuite("GET", "stock").json()["Stk"]) == 2


def test_what_was_posted_is_summed_up_for_tests(sandbox: Sandboxed) -> None:
    key = post(sandbox)
    (held,) = sandbox.get("orders")["esuite"]["WEB-1001"]
    assert held.items() >= {**key, "deleted": False, "total": "91.90", "paid": "51.95", "lines": 2}.items()
    item = {"StockCode": "ITEM A", "LineQty": "2", "LineUnitPrice": "39.95", "LineTotalIncGST": "79.9"}
    assert held["items"][0] == item
