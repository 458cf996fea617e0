FROM busybox
HEALTHCHECK --interval=1x CMD x
