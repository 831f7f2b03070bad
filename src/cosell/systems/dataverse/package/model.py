"""The one description of what is installed into Dynamics 365; installer and solution files are made of it."""

from __future__ import annotations

from cosell.systems.dataverse.options import COSELL
from cosell.systems.dataverse.own_answers import FIRST_VALUE
from cosell.systems.dataverse.package.deal_columns import (
    AUDIT,
    HELP,
    MICROSOFT_ID,
    ON_DEALS,
    ON_LEADS,
    PROGRAM,
    REFERRAL_ID,
    REFERRAL_LINK,
    SYNC,
    VISIBLE,
)
from cosell.systems.dataverse.package.parts import (
    Addition,
    FormSection,
    Key,
    Package,
    Publisher,
    Role,
    Text,
    View,
)
from cosell.systems.dataverse.package.solution_tables import DETAIL, SOLUTION
from cosell.systems.dataverse.rights import ORGANIZATION, needed

_REFERRAL_KEY = Text("Referral Key", "추천 키", "轉介索引鍵")

PACKAGE = Package(
    name="CosellConnector",
    version="1.0.0.0",
    label=Text("Cosell Connector", "Cosell 커넥터", "Cosell 連接器"),
    description=Text(
        "Columns, tables and rights with which Cosell keeps opportunities in step with Partner Center.",
        "Cosell이 영업 기회를 파트너 센터와 동기화하는 데 사용하는 열, 테이블 및 권한입니다.",
        "Cosell 讓商機與合作夥伴中心保持同步所需的資料行、資料表與權限。",
    ),
    publisher=Publisher(
        "cosell",
        Text("Cosell", "Cosell", "Cosell"),
        Text(
            "The open connector for Microsoft Partner Center co-sell.",
            "Microsoft 파트너 센터 공동 판매를 위한 오픈 커넥터입니다.",
            "適用於 Microsoft 合作夥伴中心共同銷售的開放式連接器。",
        ),
        prefix="cosell",
        first_value=FIRST_VALUE,
    ),
    additions=(
        Addition(
            "opportunity",
            "Opportunity",
            ON_DEALS,
            (Key("cosell_OpportunityReferralKey", _REFERRAL_KEY, (REFERRAL_ID.name,)),),
        ),
        Addition(
            "lead",
            "Lead",
            ON_LEADS,
            (Key("cosell_LeadReferralKey", _REFERRAL_KEY, (REFERRAL_ID.name,)),),
        ),
    ),
    # In this order, since the second points to the first.
    tables=(DETAIL, SOLUTION),
    views=(
        View(
            "deals",
            "opportunity",
            Text("Partner Center Deals", "파트너 센터 거래", "合作夥伴中心交易"),
            Text(
                "Opportunities that are kept in step with Partner Center.",
                "파트너 센터와 동기화되는 영업 기회입니다.",
                "與合作夥伴中心保持同步的商機。",
            ),
            (
                ("name", 250),
                ("customerid", 180),
                ("estimatedclosedate", 110),
                ("statuscode", 110),
                (HELP.name, 180),
                (REFERRAL_LINK.name, 180),
            ),
            order="name",
            where=(SYNC.name,),
        ),
        View(
            "solutions",
            SOLUTION.name,
            Text("Solutions of the Deal", "거래의 솔루션", "交易的解決方案"),
            Text(
                "Solutions with quantity and price.",
                "수량과 가격이 포함된 솔루션입니다.",
                "含數量與價格的解決方案。",
            ),
            (
                ("cosell_name", 220),
                ("cosell_solutionidentifier", 180),
                ("cosell_quantity", 90),
                ("cosell_price", 110),
            ),
            order="cosell_name",
        ),
        View(
            "details",
            DETAIL.name,
            Text("Solution Catalogue", "솔루션 카탈로그", "解決方案目錄"),
            Text(
                "Every solution sellers can choose.",
                "영업 담당자가 선택할 수 있는 모든 솔루션입니다.",
                "銷售人員可選擇的所有解決方案。",
            ),
            (
                ("cosell_name", 220),
                ("cosell_solutionidentifier", 180),
                ("cosell_solutiontype", 110),
                ("cosell_publishername", 180),
            ),
            order="cosell_name",
        ),
    ),
    role=Role(
        "Cosell Connector",
        "What the application user of Cosell needs, and nothing more.",
        needed(COSELL, leads=True, learns=True, connections=False) | dict(ORGANIZATION),
    ),
    section=FormSection(
        "cosell_section",
        Text("Microsoft Partner Center", "Microsoft 파트너 센터", "Microsoft 合作夥伴中心"),
        (
            SYNC.name,
            HELP.name,
            VISIBLE.name,
            REFERRAL_LINK.name,
            REFERRAL_ID.name,
            MICROSOFT_ID.name,
            PROGRAM.name,
            AUDIT.name,
        ),
        Text(
            "Microsoft Partner Center Solutions",
            "Microsoft 파트너 센터 솔루션",
            "Microsoft 合作夥伴中心解決方案",
        ),
    ),
)
