"""The subscriber's side of WebSub (W3C Recommendation of 23 January 2018, https://www.w3.org/TR/websub/)."""
