import ConfigurationFiles
import Directory
import Foundation
import Glibc
import Store

/// The countries in force, in the data folder: at the next start an operator's own file may be gone, or another one.
struct CountryCopy {
  let path: String

  init(in folder: DataFolder) { path = folder.path + "/countries.csv" }

  /// What was kept; else what the document's files say now; else nothing, and why.
  ///
  /// A server starts all the same: then phones come in by networks only.
  func countries(
    for document: DirectoryDocument
  ) -> (countries: CountryTable, complaint: String?) {
    guard let paths = document.platform.countries else { return (.empty, nil) }
    if let table = try? CountriesReader.table([path]) { return (table, nil) }
    do {
      return (try CountriesReader.table(paths), nil)
    } catch {
      return (
        .empty,
        "\(path) cannot be read, nor what it was made of: \(error). No phone comes in by `source_countries`."
      )
    }
  }

  /// Keeps a table, whole or not at all; an empty one is none.
  func keep(_ countries: CountryTable) throws {
    guard !countries.isEmpty else {
      unlink(path)
      return
    }
    let bytes = countries.csv
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure() }
    defer { close(file) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else { throw failure() }
      rest = rest.dropFirst(count)
    }
    guard fsync(file) == 0, rename(temporary, path) == 0 else { throw failure() }
  }

  /// Its files were read again, and say the same.
  func renew() { utimensat(AT_FDCWD, path, nil, 0) }

  /// When the files were read; nil where nothing is kept.
  var readAt: Date? { Self.changed(path) }

  /// Addresses change their country: about one in a hundred in a year.
  var isOld: Bool {
    readAt.map { $0.timeIntervalSinceNow < -365 * 86_400 } ?? false
  }

  /// Whether a file was changed after `moment`.
  static func isNewer(_ path: String, than moment: Date) -> Bool {
    changed(path).map { $0 > moment } ?? false
  }

  private static func changed(_ path: String) -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? nil
  }

  private func failure() -> ConfigurationError {
    ConfigurationError(
      field: "platform.countries",
      problem: "\(path) cannot be written: \(String(cString: strerror(errno)))",
      wayOut: "Check the free space and the rights of the folder; nothing was changed.")
  }
}

extension CountryTable {
  /// "612000 stretches of addresses in 249 countries, both families; 9.1 MB of memory".
  var words: String {
    let families = hasV4 && hasV6 ? "IPv4 and IPv6" : hasV4 ? "IPv4 only" : "IPv6 only"
    let tenths = (size * 10 + (1 << 19)) >> 20
    return "\(count) stretches of addresses in \(countryCount) countries, \(families); "
      + "\(tenths / 10).\(tenths % 10) MB of memory"
  }
}
