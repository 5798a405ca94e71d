import Cleaning
import EventLog

/// The archive zone: superseded curated versions, compressed.
enum Archive {
    /// Compresses a file into the archive and gives its path there; a file already kept under the name with the same bytes is left alone.
    static func keep(_ path: String, digest: Hash256, time: Timestamp, layout: Layout) throws -> String {
        let stamp = time.iso.prefix(19).filter { $0 != "-" && $0 != ":" }.replacing("T", with: "_")
        let name = Files.name(path)
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        let folder = Files.name(Files.parent(path)) == Files.name(layout.folder(.curated)) ? "" : Files.name(Files.parent(path)) + "/"
        let bytes = try Gzip.compress(try Files.read(path))
        for suffix in ["", "_\(digest.hex.prefix(8))"] {
            let relative = "\(layout.name(.archive))/\(folder)\(stem)_\(stamp)\(suffix).csv.gz"
            let full = layout.path(relative)
            if Files.exists(full), try Files.read(full) != bytes { continue }
            if !Files.exists(full) {
                try Files.makeFolder(Files.parent(full))
                try AtomicFile.write(bytes, to: full, mode: 0o444)
            }
            return relative
        }
        throw FileFailure("find a free name in the archive for", path, 17)
    }
}
