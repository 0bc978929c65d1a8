"""What the SOAP door of Ongoing says in fixed words: its WSDL, its page, and replies for faults on demand."""

from __future__ import annotations

from xml.sax.saxutils import escape

from sandbox.ongoing.envelope import NAMESPACE, XML_TYPE, fault_body, wrapped
from sandbox.system import Documented

OPERATIONS = ("ProcessOrder", "GetOrdersByQuery", "GetOrderStatuses", "GetInventoryByQuery")
PROCESS, QUERY, STATUSES, INVENTORY = OPERATIONS

PAGE = "<html><head><title>Service Web Service</title></head><body><h1>Service</h1></body></html>"


def wsdl(address: str) -> str:
    """The operations there are; types are left open."""
    schema = "".join(
        f'<s:element name="{name}{end}"><s:complexType><s:sequence><s:any processContents="skip" minOccurs="0" '
        'maxOccurs="unbounded" /></s:sequence></s:complexType></s:element>'
        for name in OPERATIONS
        for end in ("", "Response")
    )
    messages = "".join(
        f'<wsdl:message name="{name}Soap{end}"><wsdl:part name="parameters" element="tns:{name}{tail}" />'
        "</wsdl:message>"
        for name in OPERATIONS
        for end, tail in (("In", ""), ("Out", "Response"))
    )
    ports = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}SoapIn" />'
        f'<wsdl:output message="tns:{name}SoapOut" /></wsdl:operation>'
        for name in OPERATIONS
    )
    bound = "".join(
        f'<wsdl:operation name="{name}"><soap:operation soapAction="{NAMESPACE}/{name}" style="document" />'
        '<wsdl:input><soap:body use="literal" /></wsdl:input><wsdl:output><soap:body use="literal" /></wsdl:output>'
        "</wsdl:operation>"
        for name in OPERATIONS
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="{NAMESPACE}" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s="http://www.w3.org/2001/XMLSchema" '
        f'targetNamespace="{NAMESPACE}"><wsdl:types><s:schema elementFormDefault="qualified" '
        f'targetNamespace="{NAMESPACE}">{schema}</s:schema></wsdl:types>{messages}'
        f'<wsdl:portType name="ServiceSoap">{ports}</wsdl:portType>'
        '<wsdl:binding name="ServiceSoap" type="tns:ServiceSoap">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http" />{bound}</wsdl:binding>'
        '<wsdl:service name="Service"><wsdl:port name="ServiceSoap" binding="tns:ServiceSoap">'
        f'<soap:address location="{escape(address)}" /></wsdl:port></wsdl:service></wsdl:definitions>'
    )


def _result(inner: str, *, documented: bool = True) -> Documented:
    body = f'<{PROCESS}Response xmlns="{NAMESPACE}"><{PROCESS}Result>{inner}</{PROCESS}Result></{PROCESS}Response>'
    return Documented(status=200, body=wrapped(body), section="2.2", headers=XML_TYPE, documented=documented)


def _refused(words: str) -> Documented:
    ids = "<OrderId>0</OrderId><InOrderId>0</InOrderId><ArticleDefId>0</ArticleDefId>"
    inner = f"<ErrorMessage>{escape(words)}</ErrorMessage>{ids}<Success>false</Success>"
    return _result(inner, documented=False)  # the shape is, the words are not


def _fault(code: str, words: str) -> Documented:
    body = wrapped(fault_body(code, words))
    return Documented(status=500, body=body, section="2.2", headers=XML_TYPE, documented=False)


SOAP_REPLIES: dict[str, Documented] = {
    "soap_refused": _refused("Order number 1001 could not be created/updated."),
    "soap_work_started": _refused("Order number 1001 cannot be changed: the warehouse has started working on it."),
    "soap_already_cancelled": _refused("Order number 1001 is already cancelled."),
    "soap_without_order_id": _result("<OrderId>0</OrderId><Success>true</Success>"),
    "soap_fault": _fault("soap:Server", "Server was unable to process request. ---> An error has occurred."),
    "soap_unreadable": _fault(
        "soap:Client", "Server was unable to read request. ---> There is an error in XML document (12, 8)."
    ),
}
