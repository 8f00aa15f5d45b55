import Elements

/// Every word of a notice in one language; another language is another value of this type.
struct NoticeWords: Sendable {
  let when: String
  let titles: [Alert.Kind: String]
  let openings: [Alert.Kind: String]
  /// Lines; `%@` stands for the command that unblocks.
  let advices: [Alert.Kind: [String]]
  let labels: [String: String]
  let severities: [Alert.Severity: String]
  /// `%@` stands for the key.
  let closing: String

  func title(_ kind: Alert.Kind) -> String { titles[kind] ?? kind.rawValue }
  func opening(_ kind: Alert.Kind) -> String { openings[kind] ?? title(kind) }
  func severity(_ severity: Alert.Severity) -> String { severities[severity] ?? severity.rawValue }

  /// The word for a fact; facts nobody foresaw keep their own name.
  func label(_ name: String) -> String {
    if let label = labels[name] { return label }
    let inert = NoticeText.inert(name)
    return inert.prefix(1).uppercased() + inert.dropFirst()
  }

  func advice(_ kind: Alert.Kind, command: String) -> [String] {
    (advices[kind] ?? []).map { $0.replacing("%@", with: command) }
  }

  func closing(key: String) -> String { closing.replacing("%@", with: key) }
}

extension NoticeWords {
  private static let isItYou = [
    "If this was not you, somebody has the password of this phone: change it now."
  ]

  static let english = NoticeWords(
    when: "When",
    titles: [
      .accountBlocked: "Outgoing paid calls blocked",
      .accountUnblocked: "Outgoing paid calls allowed again",
      .limitShare: "Part of a limit used",
      .limitChanged: "Limit changed",
      .callRefused: "Call refused",
      .possiblyStillUp: "A call may still be up at the carrier",
      .chargedLate: "A carrier answered when nobody waited any more",
      .chargedAboveHold: "A call cost more than was held for it",
      .unknownRate: "No price for a destination",
      .emergencyCall: "Emergency call",
      .trunkDown: "Trunk down",
      .trunkUp: "Trunk up again",
      .journalFailed: "The journal cannot be written",
      .databaseFailed: "The database cannot be written",
      .clockBehind: "The clock of this machine is behind",
      .internalFault: "Internal fault",
      .newCountry: "First paid call to a country",
      .newNetwork: "First paid call from a network",
      .forwardAbroad: "Calls are forwarded abroad",
      .passwordGuessed: "Somebody guesses a password",
      .passwordGuessedWhereSpared: "Somebody guesses a password at an address that is never banned",
      .callFlood: "Too many calls at once",
      .passwordElsewhere: "A right password from where it may not be used",
      .certificateTrouble: "A certificate needs you",
      .unusualCalls: "Calls that are not as usual",
    ],
    openings: [
      .accountBlocked: """
      Outgoing calls that cost money are blocked, for the reason below.
      Incoming, internal and emergency calls go on. Running paid calls end with their paid time.
      """,
      .accountUnblocked: "Outgoing calls that cost money are possible again.",
      .limitShare: "Part of a limit has been used. Nothing is blocked yet.",
      .limitChanged: "A spending limit was changed. If nobody of yours did this, act now.",
      .callRefused: "An outgoing call was refused.",
      .possiblyStillUp: """
      We ended a call, but the carrier did not confirm that. It may still be up and cost money;
      its reservation is kept until the carrier answers. After half an hour without a word it is
      charged as if it had lasted until then; the carrier's own records say what it really cost.
      """,
      .chargedLate: """
      A carrier bills a call for which nothing was held any more. It was ended at once, and what it
      costs counts in the limits from now on, also above them.
      """,
      .chargedAboveHold: """
      A call ended after the time that was paid for, or its carrier confirmed its end late. What it cost above its
      reservation counts in the limits, also above them.
      """,
      .unknownRate: """
      A call was refused because no rate deck knows a price for its destination.
      """,
      .emergencyCall: "An emergency number was called and put through.",
      .trunkDown: "A trunk does not answer any more. Calls take the next one, if there is one.",
      .trunkUp: "A trunk answers again.",
      .journalFailed: """
      The journal cannot be written, so new calls that cost money are refused.
      Incoming, internal and emergency calls go on.
      """,
      .clockBehind: """
      The clock stands behind what it showed before. Limits of calendar hours, days and months wait until it has caught
      up, so that nobody gets an allowance twice; rolling ones go on.
      """,
      .databaseFailed: """
      The database takes nothing. Calls go on, paid ones too, and nothing is lost: call records, and all
      further notices of the telephone system, wait in the journal. You will not hear of a theft until this is mended.
      """,
      .internalFault: "The server contradicted itself and ended a call to be on the safe side.",
      .newCountry:
        "This account has called a country for the first time. The call was not refused.",
      .newNetwork: """
      A phone has made a paid call from a network that this account never called from. The call was
      not refused.
      """,
      .forwardAbroad: """
      A forward to another country was set up. Calls that it takes are paid by the extension that
      forwards.
      """,
      .passwordGuessed: """
      Wrong passwords for one user come from many addresses, or very often. Strangers are held off; the phone
      itself goes on from where it is known.
      """,
      .passwordGuessedWhereSpared: """
      Ten wrong passwords for one user, or more, came from an address that the operator never bans. Nothing is held off there.
      """,
      .callFlood: """
      A phone begins more calls than anybody dials. What is above its rate is refused; nothing is blocked.
      """,
      .passwordElsewhere: """
      Somebody has the password of a phone and used it at an address where that phone may not be. He was
      answered as if it were wrong.
      """,
      .certificateTrouble: """
      A certificate of the server is broken, about to end, or not to be had. Phones and carriers that connect by TLS refuse
      one that has ended.
      """,
      .unusualCalls: """
      An account makes paid calls that are not what it usually does. Nothing is blocked, as its limits say.
      """,
    ],
    advices: [
      .accountBlocked: [
        "If this was not you, somebody has the password of this phone: change it before you",
        "unblock, and look at its calls. To let paid calls out again:", "", "  %@", "",
        "Where calls are not as usual, this also says that they are from now on; after a theft add --theft.",
      ],
      .newCountry: Self.isItYou, .newNetwork: Self.isItYou, .forwardAbroad: Self.isItYou,
      .unusualCalls: Self.isItYou,
      .passwordGuessed: [
        "A long password that was made by the system cannot be guessed: check that this is one."
      ],
      .passwordGuessedWhereSpared: [
        "A phone there may still have its old password; if it has not, somebody at that address guesses."
      ],
      .callFlood: [
        "If this was not you, somebody has the password of this phone: change it, and look at its calls."
      ],
      .passwordElsewhere: [
        "If this was not you, change the password now. If it was, add the address to `sources`;",
        "where it was banned for many tries `martinet bans lift ADDRESS` lets it in at once.",
      ],
      .limitChanged: ["To see all limits: `martinet limits show`."],
      .possiblyStillUp: ["Ask the carrier to end the call if it is still there."],
      .chargedLate: [
        "Compare it with the carrier's bill; if it happens often, ask the carrier why."
      ],
      .chargedAboveHold: [
        "Compare it with the carrier's bill; if it happens often, ask the carrier why it ends calls late."
      ],
      .unknownRate: ["Import a deck that has this prefix, or close the destination."],
      .trunkDown: ["`martinet trunks` shows each trunk and its last answer."],
      .journalFailed: [
        "Look at the disk of the data folder: is it full, or does the kernel report faults?",
        "The server tries again every second and goes on by itself.",
      ],
      .databaseFailed: [
        "Look at the disk of the data folder: is it full, or does the kernel report faults? `martinet doctor`",
        "reads the whole database while the server is stopped. The server tries again every second.",
      ],
      .certificateTrouble: [
        "`martinet doctor` shows each certificate, until when it holds and how to mend it."
      ],
      .clockBehind: [
        "Mend the clock. If it is right now and stood ahead before: `martinet limits accept-clock`."
      ],
      .internalFault: ["Please report this with the lines of the log around that time."],
    ],
    labels: [
      "subject": "Whose", "reason": "Reason", "why": "Reason", "limit": "Limit",
      "limit of": "Limit of", "used": "Used", "refused": "Refused", "percent": "Percent",
      "granted": "Granted", "forwarded by": "Forwarded by", "dialled": "Dialled",
      "from": "From address", "phone": "Phone", "to": "To", "number": "Number",
      "caller": "Caller", "country": "Country", "trunk": "Trunk", "call": "Call", "by": "By",
      "applied by": "Applied by", "network": "Network",
      "charged": "Charged", "purchase": "Of the carrier", "seconds": "Seconds", "user": "User",
      "extension": "Extension", "addresses": "Addresses", "last from": "Last from",
      "tried": "Tried", "allowed": "Allowed from", "located in": "Located in",
      "certificate": "Certificate",
    ],
    severities: [.information: "info", .warning: "warning", .critical: "critical"],
    closing: "Reference %@. This notice was sent by Martinet; a reply reaches nobody.")
}
