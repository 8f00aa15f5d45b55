import Directory
import Numbering

/// Reads which numbers may be called.
enum DestinationReader {
  /// The classes that a person opens and closes; emergency numbers are always open.
  static let classNames = DestinationClass.allCases.filter { $0 != .emergency }.map(\.name)

  static func read(_ field: Field?) -> DestinationEntry? {
    guard let mapping = field?.mapping(ConfigurationKeys.destinations) else { return nil }
    var entry = DestinationEntry()
    entry.international = mapping["international"]?.word(Access.self)
    for name in classNames {
      if let access = mapping[name]?.word(Access.self) { entry.classes[name] = access }
    }
    entry.allow = mapping.texts("allow")
    entry.deny = mapping.texts("deny")
    return entry
  }
}
