import Directory

/// Codecs of voice by the names that SDP has for them (IANA, "RTP Payload Format media types", and what phones write besides).
///
/// A name that nobody offers would have every call refused.
enum CodecNames {
  private static let known = [
    "PCMA", "PCMU", "G722", "G729", "opus", "AAL2-G726-16", "AAL2-G726-24", "AAL2-G726-32",
    "AAL2-G726-40", "AMR", "AMR-WB", "AMR-WB+", "BV16", "BV32", "CLEARMODE", "CN", "DVI4", "EVRC",
    "EVRC0", "EVRC1", "EVRCB", "EVRCNW", "EVRCWB", "EVS", "G719", "G7221", "G723", "G726-16",
    "G726-24", "G726-32", "G726-40", "G728", "G729A", "G729AB", "G729B", "G729D", "G729E",
    "G729EV", "GSM", "GSM-EFR", "GSM-HR-08", "iLBC", "iSAC", "L16", "L20", "L24", "L8", "LPC",
    "MELP", "MP4A-LATM", "MPA", "mpeg4-generic", "PCMA-WB", "PCMU-WB", "QCELP", "SILK", "SIREN14",
    "SMV", "speex", "telephone-event", "TETRA_ACELP", "VDVI", "VMR-WB",
  ]

  private static let knownInLowercase = Set(known.map { $0.lowercased() })

  /// What many call a codec that SDP calls otherwise.
  private static let nicknames = [
    "G711": "PCMA or PCMU", "G711A": "PCMA", "ALAW": "PCMA", "G711U": "PCMU", "ULAW": "PCMU",
    "G722.1": "G7221", "G722.2": "AMR-WB", "G7222": "AMR-WB",
  ]

  /// What is wrong with a name; nil when it is known.
  static func complaint(about name: String) -> String? {
    guard !knownInLowercase.contains(name.lowercased()) else { return nil }
    let bare = name.uppercased()
    let nickname = nicknames[bare] ?? nicknames[bare.filter { !".-_ ".contains($0) }]
    let hint = (nickname ?? SpellingHint.nearest(to: name, among: known)).map {
      "did you mean \($0)?"
    }
    return
      "\"\(name)\" is no codec of voice that SDP has a name for; \(hint ?? "write such as PCMA, G722 or opus")"
  }
}
