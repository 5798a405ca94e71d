import CZlib

/// Gzip files, for archives.
package enum Gzip {
    /// The bytes as one gzip member without name and time, so that equal bytes compress to equal bytes.
    ///
    /// - Throws: ``CleaningError`` when zlib refuses.
    package static func compress(_ bytes: [UInt8]) throws(CleaningError) -> [UInt8] {
        var stream = unsafe z_stream()
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        guard unsafe deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            throw CleaningError("compression_failed", "zlib could not start")
        }
        defer { unsafe deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))))
        var input = bytes
        let code = unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(target.count)
                return unsafe deflate(&stream, Z_FINISH)
            }
        }
        guard code == Z_STREAM_END else { throw CleaningError("compression_failed", "zlib stopped with \(code)") }
        output.removeLast(output.count - Int(unsafe stream.total_out))
        return output
    }
}
