import Yams

/// Reads `sources` and `source_countries`, which stand among other keys.
enum SourceReader {
  typealias Lists = (networks: [String]?, countries: [String]?)

  static func read(_ mapping: Mapping) -> Lists {
    (texts(mapping["sources"]), texts(mapping["source_countries"]))
  }

  /// An empty list could mean nobody or anybody: neither is guessed.
  private static func texts(_ field: Field?) -> [String]? {
    guard let field else { return nil }
    let texts = field.texts()
    if texts.isEmpty, case .sequence = field.node {
      field.report(
        "an empty list; leave the key out to go by what stands above it, or write "
          + "sources: [0.0.0.0/0, \"::/0\"] for everywhere")
    }
    return texts.isEmpty ? nil : texts
  }
}
