"""The columns that opportunities and leads get (product.md A9a)."""

from __future__ import annotations

from cosell.core.fields import HELP_LABELS, Help
from cosell.systems.dataverse.own_answers import HELP_VALUES
from cosell.systems.dataverse.package.parts import Column, Kind, Option, Text

_HELP_WORDS: dict[Help, tuple[str, str]] = {
    Help.WORKLOAD: ("워크로드별 가치 제안", "特定工作負載的價值主張"),
    Help.ARCHITECTURE: ("고객 기술 아키텍처", "客戶技術架構"),
    Help.PROOF: ("개념 증명 또는 데모", "概念驗證或示範"),
    Help.QUOTES: ("견적 또는 라이선스", "報價或授權"),
    Help.POST_SALES: ("판매 후 고객 성공", "售後客戶成功"),
    Help.GENERAL: ("일반 또는 기타", "一般或其他"),
}
NO = Option(0, Text("No", "아니요", "否"))
YES = Option(1, Text("Yes", "예", "是"))

SYNC = Column(
    "cosell_SyncWithPartnerCenter",
    Kind.FLAG,
    Text("Sync with Partner Center", "파트너 센터와 동기화", "與合作夥伴中心同步"),
    Text(
        "Whether this record is kept in step with a referral in Microsoft Partner Center.",
        "이 레코드를 Microsoft 파트너 센터의 추천과 동기화할지 여부입니다.",
        "此記錄是否與 Microsoft 合作夥伴中心的轉介保持同步。",
    ),
    options=(NO, YES),
)
REFERRAL_ID = Column(
    "cosell_ReferralIdentifier",
    Kind.TEXT,
    Text("Referral Identifier", "추천 식별자", "轉介識別碼"),
    Text(
        "The id of the referral in Partner Center. Filled in by the connector; please leave it as it is.",
        "파트너 센터에 있는 추천의 ID입니다. 커넥터가 자동으로 입력하므로 변경하지 마세요.",
        "合作夥伴中心中轉介的識別碼。由連接器自動填入，請勿變更。",
    ),
    length=100,
)
REFERRAL_LINK = Column(
    "cosell_ReferralLink",
    Kind.URL,
    Text("Referral Link", "추천 링크", "轉介連結"),
    Text(
        "Opens the referral in Partner Center.",
        "파트너 센터에서 추천을 엽니다.",
        "在合作夥伴中心開啟此轉介。",
    ),
    length=400,
)
HELP = Column(
    "cosell_HowCanMicrosoftHelp",
    Kind.CHOICE,
    Text("How can Microsoft help?", "Microsoft가 어떻게 도와드릴까요?", "Microsoft 可以如何協助？"),
    Text(
        "The help wanted from Microsoft. To choose one shares the deal with Microsoft's sellers; it needs a "
        "contact at the customer and a solution.",
        "Microsoft에 요청하는 지원입니다. 값을 선택하면 거래가 Microsoft 영업 담당자와 공유됩니다. "
        "고객 연락처와 솔루션이 필요합니다.",
        "希望 Microsoft 提供的協助。選擇後，此交易會與 Microsoft 銷售人員共用，且需要客戶連絡人與解決方案。",
    ),
    options=tuple(
        Option(value, Text(HELP_LABELS[answer], *_HELP_WORDS[answer]))
        for value, answer in HELP_VALUES.items()
    ),
)
VISIBLE = Column(
    "cosell_VisibleToMicrosoft",
    Kind.FLAG,
    Text(
        "Microsoft Partner Center Referral Visibility",
        "Microsoft 파트너 센터 추천 공개 여부",
        "Microsoft 合作夥伴中心轉介可見性",
    ),
    Text(
        "Whether Microsoft's sellers see the deal. This cannot be undone.",
        "Microsoft 영업 담당자가 거래를 볼 수 있는지 여부입니다. 한 번 공개하면 취소할 수 없습니다.",
        "Microsoft 銷售人員是否能看到此交易。一旦公開便無法復原。",
    ),
    options=(
        Option(0, Text("Not visible", "공개 안 함", "不公開")),
        Option(
            1,
            Text(
                "Visible to Microsoft sellers", "Microsoft 영업 담당자에게 공개", "對 Microsoft 銷售人員公開"
            ),
        ),
    ),
)
MICROSOFT_ID = Column(
    "cosell_MicrosoftCrmIdentifier",
    Kind.TEXT,
    Text("Microsoft CRM Identifier", "Microsoft CRM 식별자", "Microsoft CRM 識別碼"),
    Text(
        "The id of the deal in Microsoft's own CRM, once accepted there. Filled in by the connector.",
        "Microsoft가 거래를 수락한 후 Microsoft CRM에서 부여되는 ID입니다. 커넥터가 자동으로 입력합니다.",
        "Microsoft 接受此交易後，其 CRM 中的識別碼。由連接器自動填入。",
    ),
    length=100,
)
PROGRAM = Column(
    "cosell_ReferralProgram",
    Kind.TEXT,
    Text("Referral Program", "추천 프로그램", "轉介計畫"),
    Text(
        "The programme under which the referral runs. Filled in by the connector.",
        "추천이 속한 프로그램입니다. 커넥터가 자동으로 입력합니다.",
        "此轉介所屬的計畫。由連接器自動填入。",
    ),
    length=100,
)
AUDIT = Column(
    "cosell_Audit",
    Kind.MEMO,
    Text("Audit", "감사 기록", "稽核記錄"),
    Text(
        "What was synced, when and why, newest first; troubles are told here too.",
        "동기화된 내용과 시각, 이유를 최신순으로 보여 줍니다. 문제도 여기에 표시됩니다.",
        "同步的內容、時間與原因，最新的在最前；問題也會顯示於此。",
    ),
    length=100_000,
)
STAMP = Column(
    "cosell_Stamp",
    Kind.TEXT,
    Text("Cosell Stamp", "Cosell 스탬프", "Cosell 戳記"),
    Text(
        "The id of the connector's last write, by which it recognises its own work. Not for people.",
        "커넥터가 자신의 작업을 알아보기 위한 마지막 쓰기의 ID입니다. 사용자용이 아닙니다.",
        "連接器最後一次寫入的識別碼，用以辨識自身的作業。非供使用者使用。",
    ),
    length=100,
)
ON_DEALS = (SYNC, REFERRAL_ID, REFERRAL_LINK, HELP, VISIBLE, MICROSOFT_ID, PROGRAM, AUDIT, STAMP)
ON_LEADS = (SYNC, REFERRAL_ID, REFERRAL_LINK, MICROSOFT_ID, PROGRAM, AUDIT, STAMP)
