"""The query language: lexer, parser, checks against the schema, evaluation."""

from cosell.sandbox.salesforce.soql.compiled import Query, compile_condition, compile_query

__all__ = ["Query", "compile_condition", "compile_query"]
