// How a layer says that something of the layers below is gone (OCI image-spec, layer.md, "Whiteouts").

/** `.wh.NAME` beside where NAME was: it exists no more. */
export const WHITEOUT_PREFIX = '.wh.';
/** In a directory: nothing of the lower layers' directory shows through. */
export const OPAQUE_WHITEOUT = '.wh..wh..opq';
/** Names with this prefix are other markers of AUFS and never files of an image. */
export const WHITEOUT_META_PREFIX = '.wh..wh.';
