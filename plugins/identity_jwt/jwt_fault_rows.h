/* SPDX-License-Identifier: MIT */
/*
 * Why a token proves nothing: one row gives the enum, the label of log and metrics, and the sentence of log, page and
 * manual.
 *
 *   JWT_FAULT(IDENTIFIER, label, sentence)
 */
JWT_FAULT(MISSING, "missing", "The request names a user and carries no token that proves it.")
JWT_FAULT(REPEATED, "repeated", "The token was sent more than once.")
JWT_FAULT(SIZE, "size", "The token is larger than 8 KiB.")
JWT_FAULT(MALFORMED, "malformed", "The token is not a signed JWT in compact form.")
JWT_FAULT(CRITICAL, "critical", "The token demands an extension (crit) that t3ops does not know.")
JWT_FAULT(ALGORITHM, "algorithm", "The token is signed with none of the algorithms of the option algorithms.")
JWT_FAULT(KEY, "key", "The token names a key that its issuer does not publish.")
JWT_FAULT(SIGNATURE, "signature", "The signature of the token is not by the key that it names.")
JWT_FAULT(CLAIMS, "claims", "The claims of the token cannot be read in one way.")
JWT_FAULT(ISSUER, "issuer", "The token is from another issuer.")
JWT_FAULT(AUDIENCE, "audience", "The token is for another application.")
JWT_FAULT(EXPIRED, "expired", "The token has expired.")
JWT_FAULT(EARLY, "early", "The token is not valid yet: the clock of its issuer, or of this machine, is wrong.")
JWT_FAULT(NO_USER, "no_user", "The token has no claim that names its user, or one that is no text.")
JWT_FAULT(OTHER_USER, "other_user", "The token is another user's.")
JWT_FAULT(NO_KEYS, "no_keys", "The keys of the issuer are not known: they could not be fetched yet.")
