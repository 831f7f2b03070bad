"""Products, price lists and the product lines of an opportunity (sheet section 6)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.drafting import (
    READ_ONLY,
    currency,
    decimal,
    flag,
    look,
    memo,
    money,
    state,
    table,
    text,
    to,
)


def product_tables() -> list[Table]:
    return [_line(), _product(), _price_list(), _unit()]


def _line() -> Table:
    return table(
        "opportunityproduct",
        "opportunityproducts",
        "Opportunity Product",
        "Opportunity Products",
        1083,
        look(
            "opportunityid",
            "Opportunity",
            to("opportunity", "opportunityid", "product_opportunities", "cascade"),
        ),
        look(
            "productid",
            "Existing Product",
            to("product", "productid", "product_opportunity_products", "restrict"),
        ),
        flag("isproductoverridden", "Select Product"),
        text("productdescription", "Write-In Product", 500),
        text("opportunityproductname", "Name", 500),
        decimal("quantity", "Quantity", 5),
        money("priceperunit", "Price Per Unit"),
        flag("ispriceoverridden", "Pricing"),
        look("uomid", "Unit", to("uom", "uomid", "unit_of_measurement_opportunity_products", "restrict")),
        money("extendedamount", "Extended Amount", **READ_ONLY),
        currency("opportunityproduct"),
        schema_name="OpportunityProduct",
        primary_name="opportunityproductname",
    )


def _product() -> Table:
    return table(
        "product",
        "products",
        "Product",
        "Products",
        1024,
        text("name", "Name", 100, required="ApplicationRequired"),
        text("productnumber", "Product ID", 100),
        memo("description", "Description"),
        currency("product"),
        state(
            (0, "Active", "1 Active"),
            (1, "Retired", "2 Retired"),
            (2, "Draft", "0 Draft"),
            (3, "Under Revision", "3 Under Revision"),
        ),
        schema_name="Product",
        ownership="OrganizationOwned",
    )


def _price_list() -> Table:
    return table(
        "pricelevel",
        "pricelevels",
        "Price List",
        "Price Lists",
        1022,
        text("name", "Name", 100, required="ApplicationRequired"),
        currency("pricelevel"),
        state((0, "Active", "100001 Active"), (1, "Inactive", "100002 Inactive")),
        schema_name="PriceLevel",
        ownership="OrganizationOwned",
    )


def _unit() -> Table:
    return table(
        "uom",
        "uoms",
        "Unit",
        "Units",
        1055,
        text("name", "Name", 100),
        decimal("quantity", "Quantity", 5),
        schema_name="UoM",
        ownership="OrganizationOwned",
    )
