"""The tables in which steps are registered and their failures noted (sheet section 4.3)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import (
    READ_ONLY,
    flag,
    look,
    memo,
    moment,
    pick,
    state,
    table,
    text,
    to,
    whole,
)

CONTRACTS = "1 OneWay|2 Queue|3 Rest|4 TwoWay|5 Topic|6 Queue (Persistent)|7 Event Hub|8 Webhook"
AUTH_TYPES = "1 ACS|2 SAS Key|3 SAS Token|4 Webhook Key|5 Http Header|6 Http Query String"


def hook_tables() -> list[Table]:
    return [_endpoint(), _message(), _filter(), _step(), _operation()]


def _endpoint() -> Table:
    return table(
        "serviceendpoint",
        "serviceendpoints",
        "Service Endpoint",
        "Service Endpoints",
        4618,
        text("name", "Name", 160, required="SystemRequired"),
        memo("description", "Description"),
        pick("contract", "Contract", CONTRACTS, required="SystemRequired"),
        pick("authtype", "Authentication Type", AUTH_TYPES),
        text("authvalue", "Authentication Value", 2_048, readable=False),
        flag("isauthvalueset", "Is Authentication Value Set", **READ_ONLY),
        text("url", "URL", 2_000, format="Url"),
        pick("messageformat", "Message Format", "1 Binary XML|2 JSON|3 Text XML", default=2),
        pick("connectionmode", "Connection Mode", "1 Normal|2 Federated", default=1),
        text("path", "Path", 160),
        text("solutionnamespace", "Namespace", 160),
        pick("userclaim", "User Claim", "1 None|2 UserId|3 UserInfo", default=1),
        schema_name="ServiceEndpoint",
        ownership="OrganizationOwned",
        can_change_tracking=False,
    )


def _message() -> Table:
    return table(
        "sdkmessage",
        "sdkmessages",
        "Sdk Message",
        "Sdk Messages",
        4606,
        text("name", "Name", 256),
        flag("isprivate", "Is Private"),
        schema_name="SdkMessage",
        ownership="OrganizationOwned",
        creatable=False,
        updatable=False,
        deletable=False,
        can_change_tracking=False,
    )


def _filter() -> Table:
    return table(
        "sdkmessagefilter",
        "sdkmessagefilters",
        "Sdk Message Filter",
        "Sdk Message Filters",
        4607,
        text("name", "Name", 256),
        text("primaryobjecttypecode", "Primary Object Type Code", 64),
        flag("iscustomprocessingstepallowed", "Custom Processing Step Allowed", default=True),
        look(
            "sdkmessageid",
            "SDK Message ID",
            to("sdkmessage", "sdkmessageid", "sdkmessageid_sdkmessagefilter"),
        ),
        schema_name="SdkMessageFilter",
        ownership="OrganizationOwned",
        creatable=False,
        updatable=False,
        deletable=False,
        can_change_tracking=False,
    )


def _step() -> Table:
    return table(
        "sdkmessageprocessingstep",
        "sdkmessageprocessingsteps",
        "Sdk Message Processing Step",
        "Sdk Message Processing Steps",
        4608,
        text("name", "Name", 256),
        memo("description", "Description", 256),
        pick("mode", "Execution Mode", "0 Synchronous|1 Asynchronous", default=0),
        pick("stage", "Execution Stage", "10 Pre-validation|20 Pre-operation|40 Post-operation", default=40),
        whole("rank", "Execution Order", 0, default=1),
        flag("asyncautodelete", "Asynchronous Automatic Delete"),
        pick("supporteddeployment", "Deployment", "0 Server Only|1 Outlook Only|2 Both", default=0),
        text("filteringattributes", "Filtering Attributes", 100_000),
        look(
            "sdkmessageid",
            "SDK Message",
            to("sdkmessage", "sdkmessageid", "sdkmessageid_sdkmessageprocessingstep"),
        ),
        look(
            "sdkmessagefilterid",
            "SdkMessage Filter",
            to("sdkmessagefilter", "sdkmessagefilterid", "sdkmessagefilterid_sdkmessageprocessingstep"),
        ),
        _handler(),
        state((0, "Enabled", "1 Enabled"), (1, "Disabled", "2 Disabled")),
        schema_name="SdkMessageProcessingStep",
        ownership="OrganizationOwned",
        can_change_tracking=False,
    )


def _handler() -> Column:
    return look(
        "eventhandler",
        "Event Handler",
        to(
            "serviceendpoint",
            "eventhandler_serviceendpoint",
            "serviceendpoint_sdkmessageprocessingstep",
            "cascade",
        ),
    )


def _operation() -> Table:
    return table(
        "asyncoperation",
        "asyncoperations",
        "System Job",
        "System Jobs",
        4700,
        text("name", "System Job Name", 256),
        memo("friendlymessage", "Friendly message", 1_048_576),
        memo("message", "Message", 1_048_576),
        whole("errorcode", "Error Code"),
        moment("startedon", "Started On"),
        moment("completedon", "Completed On"),
        look(
            "owningextensionid",
            "Owning Extension",
            to(
                "sdkmessageprocessingstep",
                "owningextensionid",
                "SdkMessageProcessingStep_AsyncOperations",
                "cascade",
            ),
        ),
        state(
            (0, "Ready", "0 Waiting For Resources"),
            (1, "Suspended", "10 Waiting"),
            (2, "Locked", "20 In Progress|21 Pausing|22 Canceling"),
            (3, "Completed", "30 Succeeded|31 Failed|32 Canceled"),
        ),
        schema_name="AsyncOperation",
        can_change_tracking=False,
    )
