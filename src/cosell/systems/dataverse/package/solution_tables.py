"""The tables of co-sell solutions: those of a deal, and the catalogue (product.md FLD-D10, FLD-D11)."""

from __future__ import annotations

from cosell.systems.dataverse.package.parts import Column, Key, Kind, Lookup, Table, Text

_NAME = Text("Solution Name", "솔루션 이름", "解決方案名稱")
_IDENTIFIER = Text("Solution Identifier", "솔루션 식별자", "解決方案識別碼")

DETAIL = Table(
    "cosell_SolutionDetail",
    Text("Microsoft Solution Detail", "Microsoft 솔루션 정보", "Microsoft 解決方案詳細資料"),
    Text("Microsoft Solution Details", "Microsoft 솔루션 정보", "Microsoft 解決方案詳細資料"),
    Text(
        "The catalogue of co-sell solutions that sellers choose from.",
        "영업 담당자가 선택하는 공동 판매 솔루션의 카탈로그입니다.",
        "供銷售人員選擇的共同銷售解決方案目錄。",
    ),
    primary=Column(
        "cosell_Name",
        Kind.TEXT,
        _NAME,
        Text(
            "The name under which sellers know the solution.",
            "영업 담당자가 알고 있는 솔루션 이름입니다.",
            "銷售人員所知的解決方案名稱。",
        ),
        length=200,
        required=True,
    ),
    columns=(
        Column(
            "cosell_SolutionIdentifier",
            Kind.TEXT,
            _IDENTIFIER,
            Text(
                "The id of the solution in Partner Center.",
                "파트너 센터에 있는 솔루션의 ID입니다.",
                "合作夥伴中心中解決方案的識別碼。",
            ),
            length=100,
            required=True,
        ),
        Column(
            "cosell_SolutionType",
            Kind.TEXT,
            Text("Solution Type", "솔루션 유형", "解決方案類型"),
            Text(
                "What kind of solution it is, such as 3P.",
                "솔루션의 유형입니다(예: 3P).",
                "解決方案的類型，例如 3P。",
            ),
            length=100,
        ),
        Column(
            "cosell_PublisherName",
            Kind.TEXT,
            Text("Publisher Name", "게시자 이름", "發行者名稱"),
            Text(
                "The company that publishes the solution.",
                "솔루션을 게시하는 회사입니다.",
                "發行此解決方案的公司。",
            ),
            length=200,
        ),
    ),
    keys=(
        Key(
            "cosell_SolutionDetailKey",
            Text("Solution Key", "솔루션 키", "解決方案索引鍵"),
            ("cosell_solutionidentifier",),
        ),
    ),
    shared=True,
)
SOLUTION = Table(
    "cosell_OpportunitySolution",
    Text(
        "Microsoft Partner Center Solution", "Microsoft 파트너 센터 솔루션", "Microsoft 合作夥伴中心解決方案"
    ),
    Text(
        "Microsoft Partner Center Solutions", "Microsoft 파트너 센터 솔루션", "Microsoft 合作夥伴中心解決方案"
    ),
    Text(
        "The co-sell solutions of an opportunity; at least one is needed before a deal is shared.",
        "영업 기회의 공동 판매 솔루션입니다. 거래를 공유하려면 하나 이상 필요합니다.",
        "商機的共同銷售解決方案；共用交易前至少需要一項。",
    ),
    primary=Column(
        "cosell_Name",
        Kind.TEXT,
        _NAME,
        Text(
            "The name of the solution on this deal.",
            "이 거래에 포함된 솔루션의 이름입니다.",
            "此交易中解決方案的名稱。",
        ),
        length=200,
    ),
    columns=(
        Column(
            "cosell_SolutionIdentifier",
            Kind.TEXT,
            _IDENTIFIER,
            Text(
                "The id of the solution in Partner Center.",
                "파트너 센터에 있는 솔루션의 ID입니다.",
                "合作夥伴中心中解決方案的識別碼。",
            ),
            length=100,
        ),
        Column(
            "cosell_Quantity",
            Kind.DECIMAL,
            Text("Quantity", "수량", "數量"),
            Text("How many the customer wants.", "고객이 원하는 수량입니다.", "客戶所需的數量。"),
            precision=2,
        ),
        Column(
            "cosell_Price",
            Kind.MONEY,
            Text("Price", "가격", "價格"),
            Text("The price of one.", "한 개의 가격입니다.", "單價。"),
        ),
    ),
    lookups=(
        Lookup(
            "cosell_OpportunityId",
            "cosell_opportunity_cosell_opportunitysolution",
            "opportunity",
            Text("Opportunity", "영업 기회", "商機"),
            Text(
                "The deal this solution belongs to.",
                "이 솔루션이 속한 거래입니다.",
                "此解決方案所屬的交易。",
            ),
            required=True,
            follows=True,
        ),
        Lookup(
            "cosell_SolutionDetailId",
            "cosell_solutiondetail_cosell_opportunitysolution",
            "cosell_solutiondetail",
            Text("Microsoft Solution", "Microsoft 솔루션", "Microsoft 解決方案"),
            Text(
                "The entry of the catalogue it was chosen from.",
                "선택한 카탈로그 항목입니다.",
                "所選擇的目錄項目。",
            ),
        ),
    ),
)
