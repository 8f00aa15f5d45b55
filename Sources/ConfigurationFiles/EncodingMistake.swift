import Directory
import Foundation

/// Where a file of the configuration is not UTF-8, and how to make it so.
///
/// Read with replaced letters it would put names in force that nobody wrote.
package struct EncodingMistake {
  /// Where the first byte that is none of UTF-8 stands; from 1.
  let line: Int
  private let byte: UInt8
  private let isWide: Bool

  /// Nil when the bytes are UTF-8, with or without a byte order mark.
  init?(in bytes: [UInt8]) {
    do {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      let offset = error.byteOffsets.lowerBound
      line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
      byte = bytes[offset]
    }
    isWide = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
  }

  /// The text of a file, without a byte order mark; where it is none, every reader says the same of it.
  package static func text(_ bytes: [UInt8], of file: String) throws(ConfigurationProblem) -> String
  {
    if let mistake = Self(in: bytes) { throw mistake.problem(in: file) }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    return String(
      decoding: bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...], as: UTF8.self)
  }

  func problem(in file: String) -> ConfigurationProblem {
    let path = URL(fileURLWithPath: file)
    let target = path.deletingPathExtension().lastPathComponent + ".utf8." + path.pathExtension
    let hex = String(byte, radix: 16, uppercase: true)
    let encoding = isWide ? "UTF-16" : "WINDOWS-1252"
    return ConfigurationProblem(
      file: file, line: line, field: FieldPath(),
      message:
        "the file is not UTF-8 (byte 0x\(hex)), and nothing was changed. Save it as UTF-8 in the "
        + "program it comes from, or convert it: iconv -f \(encoding) -t UTF-8 \(path.lastPathComponent) "
        + "> \(target)")
  }
}
