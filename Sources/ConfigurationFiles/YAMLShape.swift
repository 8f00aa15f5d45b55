import CYaml

/// Whether a text is YAML, and nothing of what YAML allows and no configuration has: looked at before it is made into values.
///
/// Keys that are lists or mappings would be compared twice for each level of them that is alike. With aliases of aliases a few lines
/// stand for millions of values.
struct YAMLShape {
  /// How many values all aliases of a text may stand for.
  private static let mostRepeated = 10_000

  private struct Collection {
    let anchor: String?
    /// The values in it so far, itself among them, with those that its aliases stand for.
    var values = 1
    let isMapping: Bool
    var expectsKey: Bool
  }

  private var open: [Collection] = []
  private var valuesOfAnchor: [String: Int] = [:]
  private var repeated = 0

  static func check(_ text: String) throws(YAMLMistake) {
    // It points to itself while it reads, so it must stay where it is.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      throw YAMLMistake(problem: "no memory to read it", wayOut: "Free some, and try again")
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)

    let bytes = ContiguousArray(text.utf8)
    let mistake: YAMLMistake? = bytes.withUnsafeBufferPointer { bytes in
      yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
      var shape = YAMLShape()
      do throws(YAMLMistake) {
        while try shape.takeNext(of: parser) {}
        return nil
      } catch {
        return error
      }
    }
    if let mistake { throw mistake }
  }

  /// Whether there is another.
  private mutating func takeNext(
    of parser: UnsafeMutablePointer<yaml_parser_t>
  ) throws(YAMLMistake) -> Bool {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw YAMLMistake(parser.pointee) }
    defer { yaml_event_delete(&event) }

    switch event.type {
    case YAML_STREAM_END_EVENT:
      return false
    case YAML_SCALAR_EVENT:
      remember(Self.name(event.data.scalar.anchor), values: 1)
      ended(values: 1)
    case YAML_ALIAS_EVENT:
      try refuseKey("an alias", at: event)
      let values = Self.name(event.data.alias.anchor).flatMap { valuesOfAnchor[$0] } ?? 1
      repeated += values
      guard repeated <= Self.mostRepeated else {
        throw YAMLMistake(
          problem: "the aliases stand for more than \(Self.mostRepeated) values",
          wayOut: "Write out what is meant",
          place: YAMLMistake.Place(event.start_mark))
      }
      ended(values: values)
    case YAML_SEQUENCE_START_EVENT:
      try refuseKey("a list", at: event)
      begin(anchor: event.data.sequence_start.anchor, isMapping: false)
    case YAML_MAPPING_START_EVENT:
      try refuseKey("a mapping", at: event)
      begin(anchor: event.data.mapping_start.anchor, isMapping: true)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      guard let collection = open.popLast() else { return false }
      remember(collection.anchor, values: collection.values)
      ended(values: collection.values)
    default:
      break
    }
    return true
  }

  private mutating func begin(anchor: UnsafePointer<yaml_char_t>?, isMapping: Bool) {
    open.append(Collection(anchor: Self.name(anchor), isMapping: isMapping, expectsKey: isMapping))
  }

  private mutating func remember(_ anchor: String?, values: Int) {
    if let anchor { valuesOfAnchor[anchor] = values }
  }

  /// A value, or a key, is at its end.
  private mutating func ended(values: Int) {
    guard let top = open.indices.last else { return }
    open[top].values += values
    if open[top].isMapping { open[top].expectsKey.toggle() }
  }

  private func refuseKey(_ what: String, at event: yaml_event_t) throws(YAMLMistake) {
    guard let top = open.last, top.expectsKey else { return }
    throw YAMLMistake(
      problem: "a key is \(what)",
      wayOut: "Keys are texts: look for a : or ? too many, or quote it",
      place: YAMLMistake.Place(event.start_mark))
  }

  private static func name(_ anchor: UnsafePointer<yaml_char_t>?) -> String? {
    anchor.map { String(cString: $0) }
  }
}
