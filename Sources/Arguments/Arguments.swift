// Module Arguments.
